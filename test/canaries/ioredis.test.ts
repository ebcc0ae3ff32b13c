import { once } from 'node:events'
import { Redis, ReplyError } from 'ioredis'
import t, { type Test } from 'tap'
import { until } from '../support/eventually.ts'
import { isPinned } from '../support/pinned.ts'
import { freePort } from '../support/port.ts'
import { RedisServer } from '../support/redis.ts'

const SOON_MS = 5000

const server = await RedisServer.start()
t.teardown(() => server.stop())

/** Like in src/redis/connect.ts: commands are neither queued nor sent again. */
const OPTIONS = { enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: () => 50 }

function open(t: Test, options: object = {}): Redis {
  const client = new Redis(server.port, '127.0.0.1', { ...OPTIONS, ...options })
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  return client
}

t.test('ioredis is pinned: src/redis/{connect,watchdog}.ts hook into it', (t) => isPinned(t, 'ioredis'))

// src/redis/watchdog.ts decides by the names of states, and takes events as signs of life.
t.test(
  'the states are connecting, connect, ready, and after a disconnect close, reconnecting, connecting',
  async (t) => {
    const client = open(t)
    t.equal(client.status, 'connecting')
    const events: string[] = []
    for (const event of ['connecting', 'connect', 'ready', 'close', 'reconnecting', 'end']) {
      client.on(event, () => events.push(event))
    }
    await once(client, 'ready')
    t.equal(client.status, 'ready')
    client.disconnect(true)
    await once(client, 'ready')
    const whole = ['connecting', 'connect', 'ready']
    t.same(events, [...whole, 'close', 'reconnecting', ...whole])
  }
)

// src/redis/watchdog.ts, #ended and #connect: "end" is final until connect() is called, whatever caused it.
t.test('after disconnect() or quit(), only connect() makes a client connect again', async (t) => {
  const client = open(t)
  await once(client, 'ready')
  for (const end of [() => client.disconnect(), () => client.quit()]) {
    const ended = once(client, 'end')
    await end()
    await ended
    t.equal(client.status, 'end')
    await client.connect()
    t.equal(client.status, 'ready')
  }
  await t.rejects(client.connect(), /already connect/, 'the watchdog may call it at any time')
})

// src/redis/watchdog.ts, keepConnected, exists among other reasons because of this.
t.test('disconnect(true) while a sentinel is being queried ends a client for good', async (t) => {
  const silent = await freePort()
  const client = new Redis({ ...OPTIONS, sentinels: [{ host: '127.0.0.1', port: silent }], name: 'main' })
  t.teardown(() => client.disconnect())
  client.on('error', () => {})
  t.equal(client.status, 'connecting')
  const ended = new Promise<void>((resolve) => client.once('end', resolve))
  client.disconnect(true)
  await ended
  t.equal(client.status, 'end', 'if it reconnects, the watchdog may have less to do')
})

// src/redis/watchdog.ts, SIGNS_OF_LIFE.
t.test('while no sentinel answers, the state stays connecting, and each round emits "error"', async (t) => {
  const sentinels = [{ host: '127.0.0.1', port: await freePort() }]
  const client = new Redis({ ...OPTIONS, sentinels, name: 'main', sentinelRetryStrategy: () => 10 })
  t.teardown(() => client.disconnect())
  let errors = 0
  client.on('error', () => errors++)
  await until(() => errors >= 2, SOON_MS)
  t.equal(client.status, 'connecting')
})

// src/redis/watchdog.ts, #askForSign: while the client is not ready, it sends INFO, which a Redis that is loading
// answers.
t.test('in the state "connect", INFO is sent and other commands are not', async (t) => {
  const client = open(t)
  const asked = new Promise<unknown[]>((resolve) => {
    client.once('connect', () => {
      t.equal(client.status, 'connect')
      resolve(Promise.allSettled([client.info('server'), client.get('canary')]))
    })
  })
  t.match(await asked, [{ status: 'fulfilled', value: /redis_version/ }, { status: 'rejected' }])
})

// src/redis/watchdog.ts, answered, recognises a late answer by this message and an error of the server by this class.
t.test(
  'an unanswered command fails with "Command timed out", and one that Redis refuses with ReplyError',
  async (t) => {
    const client = open(t, { commandTimeout: 100 })
    await once(client, 'ready')
    server.signal('SIGSTOP')
    const late = client.ping().catch((error: unknown) => error)
    t.match(await late, { message: 'Command timed out' })
    server.signal('SIGCONT')
    await client.set('text', 'x')
    t.ok((await client.lpush('text', 'y').catch((error: unknown) => error)) instanceof ReplyError)
  }
)

// src/redis/connect.ts: without a connection, callers must be able to fall back at once.
t.test('without a connection, a command fails at once and is not sent later', async (t) => {
  const client = open(t)
  await t.rejects(client.set('queued', '1'), /enableOfflineQueue/)
  await once(client, 'ready')
  t.equal(await client.get('queued'), null)
})

// src/observability/redis-node.ts reads the address of a node from it.
t.test('the stream of a client is its socket', async (t) => {
  const client = open(t)
  await once(client, 'ready')
  t.match(client.stream, { remoteAddress: '127.0.0.1', remotePort: server.port })
})
