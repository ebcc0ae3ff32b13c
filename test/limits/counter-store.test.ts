import { once } from 'node:events'
import rateLimit, { type RateLimitOptions } from '@fastify/rate-limit'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { CounterStore } from '#limits/counter-store.ts'
import { Counters } from '#limits/counters.ts'
import { connectRedis, type RedisClient } from '#redis/connect.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { until } from '../support/eventually.ts'
import { recordingLog } from '../support/recording-log.ts'
import { RedisServer } from '../support/redis.ts'

const MINUTE_MS = 60_000
const BACK_MS = 6000
const KEY = 'test:limit:127.0.0.1'

const named: RateLimitOptions = { max: 3, timeWindow: MINUTE_MS, keyGenerator: ({ ip }) => `named:${ip}` }

/** One process with every kind of limit, counted in Redis or, without Redis, in the process. */
async function startProcess(t: Test, redis: RedisClient | null, max = 10): Promise<FastifyInstance> {
  const counters = new Counters(redis, 'test', recordingLog().log)
  const app = Fastify()
  await app.register(rateLimit, {
    max,
    timeWindow: 2 * MINUTE_MS,
    store: class extends CounterStore {
      constructor(limit: object) {
        super(counters, limit)
      }
    }
  })
  app.get('/all', async () => 'ok')
  app.get('/also', async () => 'ok')
  app.get('/own', { config: { rateLimit: { max: 5, timeWindow: MINUTE_MS } } }, async () => 'ok')
  app.post('/own', { config: { rateLimit: { max: 6, timeWindow: MINUTE_MS } } }, async () => 'ok')
  app.get('/other', { config: { rateLimit: { max: 5, timeWindow: MINUTE_MS } } }, async () => 'ok')
  app.get('/named/1', { config: { rateLimit: named } }, async () => 'ok')
  app.get('/named/2', { config: { rateLimit: named } }, async () => 'ok')
  app.get('/off', { config: { rateLimit: false } }, async () => 'ok')
  const onAccount = app.createRateLimit({ max: 2, timeWindow: MINUTE_MS, keyGenerator: () => 'account' })
  app.get('/account', async (request) => onAccount(request))
  t.teardown(() => app.close())
  await app.ready()
  return app
}

async function openClient(t: Test, server: RedisServer): Promise<RedisClient> {
  const client = connectRedis(server.url)
  client.on('error', () => {})
  t.teardown(() => closeRedis(client))
  await once(client, 'ready')
  return client
}

async function remaining(app: FastifyInstance, method: 'GET' | 'HEAD' | 'POST', url: string): Promise<number> {
  const { headers } = await app.inject({ method, url })
  return Number(headers['x-ratelimit-remaining'])
}

async function limitsAreSeparate(t: Test, app: FastifyInstance): Promise<void> {
  t.equal(await remaining(app, 'GET', '/all'), 9)
  t.equal(await remaining(app, 'GET', '/also'), 8, 'all routes share the general limit')
  t.equal(await remaining(app, 'GET', '/own'), 4, 'a route may have its own limit')
  t.equal(await remaining(app, 'HEAD', '/own'), 3, 'HEAD shares it')
  t.equal(await remaining(app, 'POST', '/own'), 5, 'other methods do not share it')
  t.equal(await remaining(app, 'GET', '/other'), 4, 'other routes do not share it')
  t.equal(await remaining(app, 'GET', '/named/1'), 2)
  t.equal(await remaining(app, 'GET', '/named/2'), 1, 'limits with the same keys are shared')
  t.equal((await app.inject('/off')).headers['x-ratelimit-limit'], undefined)
  t.equal(await remaining(app, 'GET', '/all'), 7, 'none of these counted towards the general limit')
  const { headers } = await app.inject('/own')
  t.ok(Number(headers['x-ratelimit-reset']) <= 60, 'each has its own window')

  const counts = []
  for (let n = 0; n < 3; n++) counts.push((await app.inject('/account')).json())
  t.match(counts, [
    { isExceeded: false, remaining: 1 },
    { isExceeded: false, remaining: 0 },
    { isExceeded: true, remaining: 0 }
  ])
}

t.test('a limit that neither belongs to a route nor has its own keys is refused', async (t) => {
  const app = await startProcess(t, null)
  t.throws(() => app.createRateLimit({ max: 1 }), /needs a keyGenerator/)
})

t.test('limits are counted separately in one process', async (t) => limitsAreSeparate(t, await startProcess(t, null)))

t.test('with Redis', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  const clients = [await openClient(t, server), await openClient(t, server)]

  await t.test('limits are counted separately', async (t) => {
    await limitsAreSeparate(t, await startProcess(t, clients[0] ?? null))
    await clients[0]?.flushall()
  })

  await t.test(
    'an invalid counter, or one that does not expire, is reset, so that no client is refused forever',
    async (t) => {
      const app = await startProcess(t, clients[0] ?? null)
      const put: [string, () => Promise<unknown> | undefined][] = [
        ['a list', () => clients[0]?.rpush(KEY, 'x')],
        ['a text', () => clients[0]?.set(KEY, 'x')],
        ['a count without a TTL', () => clients[0]?.set(KEY, 1000)],
        ['a count with a TTL of a year', () => clients[0]?.set(KEY, 1000, 'EX', 31_536_000)],
        ['a negative count', () => clients[0]?.set(KEY, -1000, 'PX', MINUTE_MS)],
        ['the largest integer', () => clients[0]?.set(KEY, '9223372036854775807', 'PX', MINUTE_MS)]
      ]
      for (const [what, begin] of put) {
        await clients[0]?.del(KEY)
        await begin()
        t.equal(await remaining(app, 'GET', '/all'), 9, what)
        t.equal(await remaining(app, 'GET', '/all'), 8, what)
        const ttl = (await clients[0]?.pttl(KEY)) ?? 0
        t.ok(ttl > 0 && ttl <= 2 * MINUTE_MS, `${what}: ${ttl} ms`)
      }
      await clients[0]?.flushall()
    }
  )

  await t.test(
    'two processes count exactly: together with Redis, separately without it, and together again after it has returned',
    async (t) => {
      const processes = await Promise.all(clients.map((client) => startProcess(t, client, 20)))
      /** How many of 30 concurrent requests to each process pass. */
      const passed = async () => {
        const answers = processes.map((app) => Promise.all(Array.from({ length: 30 }, () => app.inject('/all'))))
        return (await Promise.all(answers)).map((all) => all.filter(({ statusCode }) => statusCode === 200).length)
      }
      const sum = (counts: number[]) => counts.reduce((total, count) => total + count)
      t.equal(sum(await passed()), 20)

      await server.kill()
      await until(() => clients.every(({ status }) => status !== 'ready'), BACK_MS)
      t.same(await passed(), [20, 20])

      await server.resume()
      await until(() => clients.every(({ status }) => status === 'ready'), BACK_MS)
      t.equal(sum(await passed()), 20)
    }
  )
})
