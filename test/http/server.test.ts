import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createHttpServer, type HangUp, type ServerLimits } from '#http/server.ts'
import { until } from '../support/eventually.ts'

const WITHIN_MS = 4000

/** A server with the given limits, the reasons of its disconnects, and clients. */
async function start(t: Test, limits: Partial<ServerLimits>, answer = 'served') {
  const reasons: HangUp[] = []
  const server = createHttpServer(
    (_request, response) => response.end(answer),
    {
      maxConnections: 0,
      maxConnectionsPerAddress: 0,
      addressKey: String,
      requestTimeoutMs: 30_000,
      sendTimeoutMs: 30_000,
      ...limits
    },
    (reason) => reasons.push(reason)
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('not bound')
  const { port } = bound
  const sockets = new Set<Socket>()
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  /** True if the service answered, false if it closed the connection. */
  const visit = async (localAddress = '127.0.0.1') => {
    const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {})
    sockets.add(socket)
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    const answered = await Promise.race([
      once(socket, 'data').then(
        () => true,
        () => false
      ),
      once(socket, 'close').then(() => false)
    ])
    return { socket, answered }
  }
  const keepSilent = async (localAddress: string) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {})
    sockets.add(socket.resume())
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\n')
    return socket
  }
  return { server, reasons, visit, keepSilent }
}

t.test('connections per address are limited, without affecting other addresses', async (t) => {
  const { server, reasons, visit } = await start(t, { maxConnectionsPerAddress: 2 })
  const first = await visit()
  t.same([first.answered, (await visit()).answered], [true, true])
  t.same([(await visit()).answered, (await visit()).answered], [false, false])
  t.same(reasons, ['address'], 'reported once, not per connection')
  t.equal((await visit('127.0.0.2')).answered, true)
  first.socket.destroy()
  await until(
    async () => (await new Promise((resolve) => server.getConnections((_, n) => resolve(n)))) === 2,
    WITHIN_MS
  )
  t.equal((await visit()).answered, true, 'a closed connection makes room')
})

t.test('new connections per address are limited, even if earlier ones are closed', async (t) => {
  const { reasons, visit } = await start(t, { maxConnectionsPerAddress: 500 })
  let answered = 0
  for (let n = 0; n < 150; n++) {
    const visited = await visit()
    visited.socket.destroy()
    if (visited.answered) answered++
  }
  t.equal(answered, 100)
  t.same(reasons, ['new'])
  t.equal((await visit('127.0.0.2')).answered, true, 'other addresses are accepted')
})

t.test('connections of a trusted proxy count towards the total limit only', async (t) => {
  const isProxy = (address: string | undefined) => address === '127.0.0.2'
  const { visit } = await start(t, {
    maxConnectionsPerAddress: 1,
    addressKey: (address) => (isProxy(address) ? null : String(address))
  })
  for (let n = 0; n < 3; n++) t.equal((await visit('127.0.0.2')).answered, true)
  t.same([(await visit()).answered, (await visit()).answered], [true, false])
})

t.test('the total of connections is limited, and idle ones are closed to make room', async (t) => {
  const { reasons, visit } = await start(t, { maxConnections: 3 })
  for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) t.equal((await visit(address)).answered, true)
  t.equal((await visit('127.0.0.4')).answered, false)
  t.same(reasons, ['process'])
  t.equal((await visit('127.0.0.4')).answered, true)
})

t.test('silent connections are closed first when the limit is reached', async (t) => {
  const { visit, keepSilent } = await start(t, { maxConnections: 4 })
  const silent = await Promise.all([1, 2, 3, 4].map((n) => keepSilent(`127.0.0.${n}`)))
  t.equal((await visit('127.0.0.9')).answered, false)
  await until(() => silent.filter(({ closed }) => closed).length === 2, WITHIN_MS)
  t.same(
    silent.map(({ closed }) => closed),
    [true, true, false, false],
    'the oldest connections are closed'
  )
  t.equal((await visit('127.0.0.9')).answered, true)
})

t.test('a client that never reads is disconnected, whatever it sends', async (t) => {
  const { server, reasons } = await start(t, { sendTimeoutMs: 500 }, 'x'.repeat(32 * 2 ** 20))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('not bound')
  const socket = connect({ port: bound.port, host: '127.0.0.1' }).on('error', () => {})
  const lines = setInterval(() => socket.write('\r\n'), 100)
  t.teardown(() => clearInterval(lines))
  socket.pause().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => reasons.length > 0, 2 * WITHIN_MS)
  t.same(reasons, ['not reading'])
})

t.test('a client that reads late gets its whole answer, and the next one', async (t) => {
  const answer = 'x'.repeat(32 * 2 ** 20)
  const { server } = await start(t, {}, answer)
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('not bound')
  const socket = connect({ port: bound.port, host: '127.0.0.1' })
  t.teardown(() => socket.destroy())
  let received = 0
  socket.on('data', ({ length }) => {
    received += length
  })
  for (const length of [answer.length, 2 * answer.length]) {
    socket.pause().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    // Longer than two checks of the server.
    await sleep(2500)
    socket.resume()
    await until(() => received > length, WITHIN_MS)
  }
})
