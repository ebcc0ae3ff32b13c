import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { MemoryReportStore } from '#observability/memory-report-store.ts'
import { type ReportOptions, reportOf } from '#observability/report.ts'
import { RedisReportStore, type ReportStore } from '#observability/report-store.ts'
import { RouteMeter } from '#observability/route-meter.ts'
import type { Heartbeat } from '#observability/shapes.ts'
import { connectRedis } from '#redis/connect.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { RedisServer } from '../support/redis.ts'

function beatOf(id: string): Heartbeat {
  return {
    id,
    role: 'api',
    host: 'here',
    pid: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
    at: new Date().toISOString(),
    rssBytes: 1,
    l1: { bytes: 0, count: 0 },
    trusted: true,
    invalidations: 0,
    sweeper: { swept: 0, failing: false },
    store: { answers: 0, errors: 0, meanMs: 0 }
  }
}

/** The contribution of a process that has no data. */
const own: ReportOptions['own'] = {
  store: { state: 'trusted', since: '2026-01-01T00:00:00.000Z', reason: null },
  process: null,
  counted: null,
  invalidations: []
}
const asked = (depth: () => Promise<number>): ReportOptions['database'] => ({
  outboxDepth: depth,
  generations: broken,
  activeSessions: async () => 3
})

async function suite(t: Test, reportStore: ReportStore): Promise<void> {
  t.same(await reportStore.processes(), [])
  t.equal((await reportStore.minutes.last(60)).length, 60)
  await Promise.all([
    reportStore.beat(beatOf('a')),
    reportStore.minutes.add({ 'course:hits': 8, 'course:misses': 1, requests: 9, samples: 1, ops: 10, bytes: 1000 }),
    reportStore.beat({ ...beatOf('b'), version: '1.2.3', commit: 'abc', generations: { running: 1, concurrency: 6 } }),
    reportStore.minutes.add({ 'course:hits': 1, 'api:misses': 1, samples: 1, ops: 13, bytes: 1001 })
  ])
  t.same((await reportStore.processes()).map(({ id }) => id).sort(), ['a', 'b'])
  await reportStore.leave('a')
  t.same(
    (await reportStore.processes()).map(({ id }) => id),
    ['b']
  )
  t.equal(await reportStore.keyCounts(), null)
  const counts = { at: new Date().toISOString(), ms: 3, prefixes: { course: 5 } }
  await reportStore.putKeyCounts(counts)
  t.same(await reportStore.keyCounts(), counts)

  const report = await reportOf({ reportStore, redis: null, own, database: asked(async () => 2) })
  t.match(report, { hitRatio: { now: 9 / 11, hour: 9 / 11, goal: 0.8 }, outbox: { depth: 2 } })
  t.match(report, { generations: null, sessions: { active: 3 }, lastClearing: null, invalidations: [], routes: [] })
  t.match(report.processes, [{ version: '1.2.3', commit: 'abc', generations: { running: 1, concurrency: 6 } }])
  t.match(report.prefixes[0], { prefix: 'course', hits: 9, misses: 1, hitRatio: 0.9, keys: 5 })
  t.match(report.prefixes[2], { prefix: 'api', hits: 0, misses: 1, hitRatio: 0, keys: null })
  const minute = report.history.find(({ hits }) => hits > 0)
  t.match(minute, { hits: 9, misses: 2, opsPerSecond: 11.5, usedBytes: 1001, requests: 9 })
  t.match(report.history[0], { opsPerSecond: null, usedBytes: null, requests: null }, 'unknown values are null, not 0')

  const clearing = { at: new Date().toISOString(), by: 'ann@here', pattern: 'all', deleted: 7 }
  await reportStore.putClearing(clearing)
  t.same(await reportStore.lastClearing(), clearing)
  for (let n = 0; n < 60; n++) {
    await reportStore.addInvalidations([
      { at: new Date().toISOString(), tags: [`course:${n}`], tagCount: 1, by: null, process: 'x' }
    ])
  }
  const notes = await reportStore.invalidations()
  t.same([notes.length, notes[0]?.tags, notes.at(-1)?.tags], [50, ['course:59'], ['course:10']])

  const meter = new RouteMeter()
  const request = { method: 'GET', route: '/courses/:id', status: 200, streamed: false }
  for (let ms = 1; ms <= 100; ms++)
    meter.count({ ...request, ms, trace: { hits: ms % 4 === 0 ? 0 : 1, misses: ms % 4 === 0 ? 1 : 0 } })
  meter.count({ ...request, route: undefined, status: 500, ms: 60_000, trace: { hits: 0, misses: 0 }, streamed: true })
  await reportStore.routes.add(meter.totals())
  const { routes } = await reportOf({ reportStore, redis: null, own, database: null })
  t.match(routes, [
    { method: 'GET', route: '/courses/:id', requests: 100, errors: 0, p50Ms: 50, p95Ms: 95, p99Ms: 99, cached: 0.75 },
    { method: 'GET', route: 'none', requests: 1, errors: 1, p50Ms: null, cached: null }
  ])
}

t.test('the report store in memory', (t) => suite(t, new MemoryReportStore()))

t.test('the report store in Redis, shared by all processes', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  const redis = connectRedis(server.url)
  redis.on('error', () => {})
  await once(redis, 'ready')
  t.teardown(() => closeRedis(redis))
  const reportStore = new RedisReportStore(redis, 'test')
  await suite(t, reportStore)

  await t.test('one process at a time counts the keys', async (t) => {
    t.equal(await reportStore.claimKeyCount(), true)
    t.equal(await reportStore.claimKeyCount(), false)
    await reportStore.pauseKeyCount(60)
    t.equal(await reportStore.claimKeyCount(), false)
    await sleep(100)
    t.equal(await reportStore.claimKeyCount(), true)
  })

  await t.test('all its keys expire, and clearing the cache leaves them alone', async (t) => {
    const keys = await redis.keys('*')
    t.ok(keys.length > 2)
    for (const key of keys) {
      t.match(key, /^test:board:/)
      t.ok((await redis.pttl(key)) > 0, key)
    }
  })

  await t.test('invalid values in Redis are ignored', async (t) => {
    await redis.zadd('test:board:processes', Date.now(), 'odd')
    await redis.set('test:board:process:odd', '{"id":"odd"}')
    await redis.set('test:board:keys', 'no JSON')
    t.same(
      (await reportStore.processes()).map(({ id }) => id),
      ['b']
    )
    t.equal(await reportStore.keyCounts(), null)
    await redis.set('test:board:keys', `${' '.repeat(20_000)}{}`)
    t.equal(await reportStore.keyCounts(), null)
    const minute = `test:board:minute:${Math.floor(Date.now() / 60_000)}`
    const kept = await redis.hgetall(minute)
    const many = Array.from({ length: 2000 }, (_, i) => [`planted${i}`, '1'] as const)
    await redis.hset(minute, Object.fromEntries(many))
    const { counts } = (await reportStore.minutes.last(1))[0] ?? { counts: {} }
    t.equal(Object.keys(counts).length, 0, 'a minute with too many counters is ignored')
    await redis.del(minute)
    await redis.hset(minute, 'course:hits', '1'.repeat(2_000_000))
    t.same((await reportStore.minutes.last(1))[0]?.counts, {}, 'a minute with too many bytes is ignored')
    const clearing = { at: '2026-06-30T23:59:60Z', by: 'x', pattern: 'all', deleted: 1 }
    await redis.set('test:board:clearing', JSON.stringify(clearing))
    t.equal(await reportStore.lastClearing(), null, 'a clearing with an invalid time is ignored')
    await redis.del(minute)
    if (Object.keys(kept).length > 0) await redis.hset(minute, kept)
  })

  await t.test('after a partial failure nothing is counted twice; keys of another type are replaced', async (t) => {
    await redis.set('test:board:processes', 'text')
    await reportStore.beat(beatOf('c'))
    await reportStore.beat(beatOf('c'))
    await redis.set('test:board:invalidations', 'text')
    const note = { at: new Date().toISOString(), tags: ['courses'], tagCount: 1, by: 'user:7', process: 'x' }
    await reportStore.addInvalidations([note])
    await reportStore.addInvalidations([note])
    await redis.lpush('test:board:invalidations', 'no JSON', `"${'x'.repeat(20_000)}"`)
    t.same(await reportStore.invalidations(), [note])
    await redis.lpush('test:board:invalidations', 'x'.repeat(1_000_000))
    t.same(await reportStore.invalidations(), [], 'a list with too many bytes is ignored')
    await redis.lpop('test:board:invalidations')
    t.same(
      (await reportStore.processes()).map(({ id }) => id),
      ['c']
    )
    const minute = (await redis.keys('test:board:minute:*'))[0] ?? ''
    await redis.hset(minute, 'course:misses', 'many')
    await redis.set('test:board:minute:1', 'text')
    const report = await reportOf({ reportStore, redis, own, database: asked(async () => 0) })
    t.ok(Number.isFinite(report.hitRatio.hour))
  })

  await t.test('while Redis is down, the report contains everything that does not need Redis', async (t) => {
    await server.kill()
    const report = await reportOf({ reportStore, redis, own, database: asked(broken) })
    t.match(report, { mode: 'redis', nodes: [], processes: [], outbox: { depth: null }, sessions: { active: 3 } })
  })
})

async function broken(): Promise<never> {
  throw new Error('broken')
}
