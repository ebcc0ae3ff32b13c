import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import t from 'tap'
import { isPinned } from '../support/pinned.ts'

t.test('fastify is pinned: src/app.ts hooks into how it serves and closes', (t) => isPinned(t, 'fastify'))

// plugins/app/front-door.ts. With a serverFactory, Fastify opens only one server for localhost (docs/configuration.md).
t.test('every server is created by serverFactory, whose handler passes requests to Fastify', async (t) => {
  const servers: Server[] = []
  const app = Fastify({
    serverFactory: (handler) => {
      const server = createServer((request, response) => {
        if (request.url === '/front') response.end('front')
        else handler(request, response)
      })
      servers.push(server)
      return server
    }
  })
  t.teardown(() => app.close())
  app.get('/', async () => 'back')
  await app.listen({ port: 0, host: 'localhost' })
  const addresses = servers.map((server) => {
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('not bound')
    return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
  })
  t.equal(servers.length, app.addresses().length)
  for (const address of addresses) {
    t.equal(await (await fetch(`${address}/front`)).text(), 'front')
    t.equal(await (await fetch(`${address}/`)).text(), 'back')
  }
})

// src/http/server.ts: Node emits requests with an unknown Expect header as another event.
t.test('the handler of serverFactory also accepts requests from the server event checkExpectation', async (t) => {
  const app = Fastify({ serverFactory: (handler) => createServer(handler).on('checkExpectation', handler) })
  t.teardown(() => app.close())
  app.addHook('onRequest', async ({ headers }, reply) => {
    if (headers.expect !== undefined) return reply.code(417).send('refused')
  })
  app.get('/', async () => '')
  const url = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const asked = request(url, { headers: { expect: 'more' } }).end()
  const [answer] = await once(asked, 'response')
  answer.resume()
  t.equal(answer.statusCode, 417)
})

// plugins/app/draining.ts and generation.ts: event streams are ended before the server waits for their connections.
t.test('preClose hooks run before the server waits for its connections, onClose hooks afterwards', async (t) => {
  const app = Fastify({ forceCloseConnections: 'idle', return503OnClosing: false })
  const order: string[] = []
  const streams: (() => void)[] = []
  app.addHook('preClose', async () => {
    order.push('preClose')
    for (const end of streams) end()
  })
  app.addHook('onClose', async () => void order.push('onClose'))
  app.get('/', (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200).write('begun')
    streams.push(() => {
      order.push('stream ends')
      reply.raw.end()
    })
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const answer = await fetch(url)
  await Promise.all([app.close(), answer.text()])
  t.same(order, ['preClose', 'stream ends', 'onClose'])
})

// src/app.ts, answerBadUrl and answerBadRequest: no hooks run for these two kinds of requests.
t.test('frameworkErrors gets malformed URLs, and clientErrorHandler gets malformed HTTP', async (t) => {
  const codes: string[] = []
  const app = Fastify({
    frameworkErrors: (error, _request: FastifyRequest, reply: FastifyReply) => {
      codes.push(error.code)
      reply.code(400).send('url')
    },
    clientErrorHandler: (error, socket) => {
      codes.push(error.code)
      socket.end('HTTP/1.1 431 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    }
  })
  t.teardown(() => app.close())
  app.get('/', async () => '')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.equal((await fetch(`${url}/%ff`)).status, 400)
  t.equal((await fetch(url, { headers: { large: 'x'.repeat(20_000) } })).status, 431)
  t.same(codes, ['FST_ERR_BAD_URL', 'HPE_HEADER_OVERFLOW'])
})
