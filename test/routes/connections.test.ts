import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { MAX_WAITING_REQUESTS } from '#http/request-queue.ts'
import { connectTo } from '../checks/hostile/never-read.ts'
import { startEmbedded } from '../support/both-ways.ts'
import { until } from '../support/eventually.ts'
import { send } from '../support/http.ts'

const REQUEST_TIMEOUT_MS = 1000
const SEND_TIMEOUT_MS = 400
/** How late a timeout may fire on a machine under load. */
const LATE_MS = 8000
/** More than the kernel buffers for a client that does not read. */
const LARGE = Buffer.alloc(16 * 1024 * 1024, 'x')
const SLICE = 1024 * 1024

const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

t.test('a connection', async (t) => {
  const begun: string[] = []
  let open: PromiseWithResolvers<void> = Promise.withResolvers()
  let streamEnded = false
  const service = await startEmbedded(
    t,
    {},
    {
      server: { requestTimeoutMs: REQUEST_TIMEOUT_MS, sendTimeoutMs: SEND_TIMEOUT_MS },
      extend: (app) => {
        const config = { public: true }
        app.get<{ Params: { n: string } }>('/count/:n', { config }, async ({ params }) => {
          begun.push(params.n)
          return params.n
        })
        app.get('/large', { config }, async () => {
          begun.push('large')
          return LARGE
        })
        app.get('/waiting', { config }, async () => {
          begun.push('waiting')
          await open.promise
          return 'waited'
        })
        app.get('/stream', { config, sse: 'manual' }, async (_request, reply) => {
          reply.sse.onClose(() => {
            streamEnded = true
          })
          await reply.sse.send({ data: LARGE.toString() })
        })
      }
    }
  )
  const { app, url } = service
  const connections = () => new Promise<number>((resolve) => app.server.getConnections((_, count) => resolve(count)))
  const hungUpOn = (socket: Socket) => once(socket, 'close', { signal: AbortSignal.timeout(LATE_MS) })
  t.beforeEach(async () => {
    begun.length = 0
    open = Promise.withResolvers()
    app.server.closeIdleConnections()
    await until(async () => (await connections()) === 0, LATE_MS)
  })
  const client = (localAddress = '127.0.0.1') => {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress })
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    t.teardown(() => socket.destroy())
    return { socket, received: () => received }
  }

  await t.test('may pipeline 32 requests, which are answered in order', async (t) => {
    const { socket, received } = client()
    const numbers = Array.from({ length: 32 }, (_, n) => `${n}`)
    socket.write(numbers.map((n) => ask(`/count/${n}`)).join(''))
    await until(() => received().split('HTTP/1.1 200').length > 32, LATE_MS)
    t.same(begun, numbers)
    t.same(
      received()
        .split('\r\n\r\n')
        .slice(1)
        .map((body) => body.replace(/HTTP.*/s, '')),
      numbers
    )
    socket.end()
  })

  await t.test('has one request handled at a time', async (t) => {
    const { socket, received } = client()
    socket.write(ask('/waiting') + ask('/count/2') + ask('/count/3'))
    await until(() => begun.length > 0, LATE_MS)
    await send(`${url}/health/live`)
    t.same(begun, ['waiting'], 'the requests behind it wait')
    open.resolve()
    await until(() => received().endsWith('\r\n\r\n3'), LATE_MS)
    t.same(begun, ['waiting', '2', '3'])
    socket.end()
  })

  await t.test('reads the body of a request only when its turn comes, and then completely', async (t) => {
    const { socket, received } = client()
    const body = JSON.stringify({ email: 'nobody@example.org', password: 'x'.repeat(100_000) })
    const head = `POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    socket.write(ask('/waiting') + head + body + ask('/count/4'))
    await until(() => begun.length > 0, LATE_MS)
    open.resolve()
    await until(() => received().endsWith('\r\n\r\n4'), LATE_MS)
    t.match(received(), /waited[\s\S]*HTTP\/1.1 400 [\s\S]+password[\s\S]+HTTP\/1.1 200/)
    socket.end()
  })

  await t.test('is closed when it pipelines too many requests, and its address gets no new one at once', async (t) => {
    const { socket } = client('127.0.0.3')
    socket.on('error', () => {})
    socket.write(ask('/waiting') + ask('/count/1').repeat(MAX_WAITING_REQUESTS + 1))
    await hungUpOn(socket)
    open.resolve()
    t.same(begun, ['waiting'])
    const again = client('127.0.0.3').socket.on('error', () => {})
    await hungUpOn(again)
    t.equal((await send(`${url}/count/5`)).status, 200, 'other addresses are served')
  })

  await t.test('that the client does not read holds one answer in memory, and ends without progress', async (t) => {
    const socket = connectTo(url)
    t.teardown(() => socket.destroy())
    socket.write(ask('/large').repeat(20))
    await until(() => begun.length > 0, LATE_MS)
    await until(async () => (await connections()) === 0, LATE_MS)
    t.same(begun, ['large'])
  })

  await t.test('that the client reads slowly is served to the end', async (t) => {
    const socket = connectTo(url)
    t.teardown(() => socket.destroy())
    socket.write(ask('/large'))
    let bytes = 0
    socket.on('data', (chunk) => {
      bytes += chunk.length
      // The whole read takes four times the timeout without progress.
      if (Math.floor(bytes / SLICE) > Math.floor((bytes - chunk.length) / SLICE)) {
        socket.pause()
        setTimeout(() => socket.resume(), (4 * SEND_TIMEOUT_MS) / (LARGE.length / SLICE))
      }
    })
    socket.resume()
    const start = performance.now()
    await until(() => bytes > LARGE.length, 5 * LATE_MS)
    t.ok(performance.now() - start > 2 * SEND_TIMEOUT_MS)
    socket.end()
  })

  await t.test('with a stream that the client does not read ends too', async (t) => {
    const socket = connectTo(url)
    t.teardown(() => socket.destroy())
    socket.write(ask('/stream'))
    await until(() => streamEnded, LATE_MS)
  })

  await t.test('without traffic is kept open while its answer is being computed', async (t) => {
    const { socket, received } = client()
    socket.write(ask('/waiting'))
    setTimeout(() => open.resolve(), 2 * SEND_TIMEOUT_MS)
    await until(() => received().endsWith('waited'), LATE_MS)
    t.equal(socket.destroyed, false)
    socket.end()
  })

  await t.test(
    'with half a body or half a head gets 408, and is closed even if the client keeps it open',
    async (t) => {
      const halves = [
        'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"a',
        'GET / HT'
      ]
      const start = performance.now()
      const told = halves.map(async (half) => {
        const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
        t.teardown(() => socket.destroy())
        let received = ''
        socket.on('data', (chunk) => {
          received += chunk
        })
        socket.write(half)
        await until(() => received.includes('REQUEST_TIMEOUT'), LATE_MS)
        return received
      })
      for (const answer of await Promise.all(told)) {
        t.match(answer, /^HTTP\/1.1 408 .*X-Frame-Options: .*Cache-Control: no-store/is)
      }
      await until(async () => (await connections()) === 0, LATE_MS)
      t.ok(performance.now() - start >= REQUEST_TIMEOUT_MS)
    }
  )
})
