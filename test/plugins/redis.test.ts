import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { REVIVED } from '#redis/watchdog.ts'
import { Health } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { get } from '../support/http.ts'
import { freePort } from '../support/port.ts'
import { RedisServer } from '../support/redis.ts'
import { startService } from '../support/service.ts'

const BACK_MS = 6000
/** Longer than the longest pause between a client's attempts to connect. */
const WATCHED_MS = 3500

t.test('a namespace without a URL has no client', async (t) => {
  const { app } = await startService(t)
  t.same(Object.keys(app.redis), [])
})

t.test('each URL has one client, which closes with the service', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  const { app } = await startService(t, { REDIS_URL: server.url, REDIS_LIMIT_URL: `${server.url}/1` })
  const { cache, session, limit } = app.redis
  t.same(Object.keys(app.redis), ['cache', 'session', 'limit'])
  t.equal(session, cache)
  t.not(limit, cache)
  t.same([cache?.status, limit?.status], ['ready', 'ready'])
  await app.close()
  await until(() => cache?.status === 'end' && limit?.status === 'end', BACK_MS)
  await sleep(WATCHED_MS)
  t.same([cache?.status, limit?.status], ['end', 'end'], 'both stay closed')
})

t.test('a host name that does not resolve neither ends the client nor delays the start', async (t) => {
  const { app, url } = await startService(t, { REDIS_URL: 'redis://redis.invalid:6379' })
  const { cache } = app.redis
  const events: string[] = []
  for (const event of ['end', REVIVED]) cache?.on(event, () => events.push(event))
  t.match(await get(Health, `${url}/health/ready`), { status: 'degraded', checks: { redis: 'down' } })
  const attempts: number[] = []
  cache?.on('reconnecting', () => attempts.push(performance.now()))
  await sleep(WATCHED_MS)
  t.ok(attempts.length > 1, 'the client keeps trying')
  t.same(events, [])
  await app.close()
})

t.test('a Redis that comes up after the service is used under the same namespace', async (t) => {
  const limits = await RedisServer.start()
  t.teardown(() => limits.stop())
  await limits.kill()
  const REDIS_URL = `redis://127.0.0.1:${await freePort()}`
  const start = performance.now()
  const { app } = await startService(t, { REDIS_URL, REDIS_LIMIT_URL: limits.url, RATE_LIMIT_ANONYMOUS: '3' })
  t.ok(performance.now() - start < 30_000)
  const { limit } = app.redis
  t.not(limit?.status, 'ready')
  const remaining = async () => (await app.inject('/api/v1/categories')).headers['x-ratelimit-remaining']
  t.equal(Number(await remaining()), 2, 'the process counts until then')
  await limits.resume()
  await until(() => limit?.status === 'ready', BACK_MS)
  t.equal(app.redis.limit, limit)
  t.equal(Number(await remaining()), 2, 'Redis counts from then on')
  t.equal(await limit?.exists('aikademiya:limit:ip:127.0.0.1'), 1)
})
