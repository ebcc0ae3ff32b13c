import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type Board, MemoryBoard, RedisBoard } from '#observability/board.ts'
import { reportOf } from '#observability/report.ts'
import type { ProcessBeat } from '#observability/shapes.ts'
import { connectRedis } from '#redis/connect.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { RedisServer } from '../support/redis.ts'

function beatOf(id: string): ProcessBeat {
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

async function suite(t: Test, board: Board): Promise<void> {
  t.same(await board.processes(), [])
  t.equal((await board.history()).length, 60)
  await Promise.all([
    board.beat(beatOf('a'), { 'course:hits': 8, 'course:misses': 1 }),
    board.beat(beatOf('b'), { 'course:hits': 1, 'api:misses': 1 })
  ])
  t.same((await board.processes()).map(({ id }) => id).sort(), ['a', 'b'])
  await board.leave('a')
  t.same(
    (await board.processes()).map(({ id }) => id),
    ['b']
  )
  t.equal(await board.keyCounts(), null)
  const counts = { at: new Date().toISOString(), ms: 3, prefixes: { course: 5 } }
  await board.putKeyCounts(counts)
  t.same(await board.keyCounts(), counts)

  const report = await reportOf({ board, redis: null, outboxDepth: async () => 2 })
  t.match(report, { hitRatio: { now: 9 / 11, hour: 9 / 11, goal: 0.8 }, outbox: { depth: 2 } })
  t.match(report.prefixes[0], { prefix: 'course', hits: 9, misses: 1, hitRatio: 0.9, keys: 5 })
  t.match(report.prefixes[2], { prefix: 'api', hits: 0, misses: 1, hitRatio: 0, keys: null })
  t.match(report.history.at(-1) ?? report.history.at(-2), { hits: 9, misses: 2 })
}

t.test('in this process', (t) => suite(t, new MemoryBoard()))

t.test('in Redis, shared by all processes', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  const redis = connectRedis(server.url)
  redis.on('error', () => {})
  await once(redis, 'ready')
  t.teardown(() => closeRedis(redis))
  const board = new RedisBoard(redis, 'test')
  await suite(t, board)

  await t.test('one process at a time counts the keys', async (t) => {
    t.equal(await board.mayCountKeys(), true)
    t.equal(await board.mayCountKeys(), false)
    await board.restFromCounting(60)
    t.equal(await board.mayCountKeys(), false)
    await sleep(100)
    t.equal(await board.mayCountKeys(), true)
  })

  await t.test('everything on it expires, and nothing is what clearing clears', async (t) => {
    const keys = await redis.keys('*')
    t.ok(keys.length > 2)
    for (const key of keys) {
      t.match(key, /^test:board:/)
      t.ok((await redis.pttl(key)) > 0, key)
    }
  })

  await t.test('what was put there by hand is no report, and no error', async (t) => {
    await redis.zadd('test:board:processes', Date.now(), 'odd')
    await redis.set('test:board:process:odd', '{"id":"odd"}')
    await redis.set('test:board:keys', 'no JSON')
    t.same(
      (await board.processes()).map(({ id }) => id),
      ['b']
    )
    t.equal(await board.keyCounts(), null)
    await redis.set('test:board:keys', `${' '.repeat(20_000)}{}`)
    t.equal(await board.keyCounts(), null)
    const minute = `test:board:minute:${Math.floor(Date.now() / 60_000)}`
    const kept = await redis.hgetall(minute)
    const many = Array.from({ length: 2000 }, (_, i) => [`planted${i}`, '1'] as const)
    await redis.hset(minute, Object.fromEntries(many))
    const { counts } = (await board.history()).at(-1) ?? { counts: {} }
    t.equal(Object.keys(counts).length, 0, 'of a minute with more counts than there are')
    await redis.del(minute)
    if (Object.keys(kept).length > 0) await redis.hset(minute, kept)
  })

  await t.test('what fails in part is not counted twice; a key of another type is replaced', async (t) => {
    const hits = async () => (await board.history()).reduce((sum, { counts }) => sum + (counts['course:hits'] ?? 0), 0)
    const before = await hits()
    await redis.set('test:board:processes', 'text')
    await board.beat(beatOf('c'), { 'course:hits': 5 })
    await board.beat(beatOf('c'), {})
    t.equal(await hits(), before + 5)
    t.same(
      (await board.processes()).map(({ id }) => id),
      ['c']
    )
    const minute = (await redis.keys('test:board:minute:*'))[0] ?? ''
    await redis.hset(minute, 'course:misses', 'many')
    await redis.set('test:board:minute:1', 'text')
    const report = await reportOf({ board, redis, outboxDepth: async () => 0 })
    t.ok(Number.isFinite(report.hitRatio.hour))
  })

  await t.test('while Redis is gone the report says what it can', async (t) => {
    await server.kill()
    const report = await reportOf({ board, redis, outboxDepth: broken })
    t.match(report, { mode: 'redis', nodes: [], processes: [], outbox: { depth: null } })
  })
})

async function broken(): Promise<number> {
  throw new Error('broken')
}
