import { randomUUID } from 'node:crypto'
import t from 'tap'
import { cacheOn, embeddedCache, freshSpec, openService, present, read, Source } from '../support/caches.ts'
import { until } from '../support/eventually.ts'
import { RedisServer } from '../support/redis.ts'

const TRUSTED_AGAIN_MS = 3000
/** Redis as it returns with all the data from before it was killed. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always']

const server = await RedisServer.start(...DURABLE)
t.teardown(() => server.stop())

t.test('entries invalidated during an outage are not served after it, though Redis kept them', async (t) => {
  const outbox: string[] = []
  const settings = [{ l1LeaseMs: 0 }, { l1LeaseMs: 30_000 }, { l1LeaseMs: 30_000 }]
  const { caches, redis, prefix } = await openService(t, server, settings, (apply) => apply([...outbox]))
  const writer = present(caches[0])
  const source = new Source('old')
  const [spec, untouched] = [freshSpec(), freshSpec()]
  for (const cache of caches) {
    await cache.wrap(spec, source.load)
    await cache.wrap(untouched, source.load)
  }
  await server.kill()
  await until(() => caches.every((cache) => !cache.trusted), 1000)
  source.value = 'new'
  await t.rejects(writer.invalidate(spec.tags))
  outbox.push(...spec.tags)
  await server.resume()
  await until(() => caches.every((cache) => cache.trusted), TRUSTED_AGAIN_MS)
  for (const cache of caches) t.equal(await cache.wrap(spec, source.load), 'new')
  t.ok(await redis.exists(`${prefix}:${untouched.key}`), 'Redis has kept the other entries')
  for (const cache of caches) t.equal(await cache.wrap(untouched, source.load), 'old')
})

t.test('a starting process does not trust Redis until the outbox is replayed', async (t) => {
  const prefix = randomUUID()
  const source = new Source('old')
  const spec = freshSpec()
  const first = cacheOn(t, server.url, prefix)
  await first.breaker.probe()
  await first.cache.wrap(spec, source.load)
  // A writer crashed between its commit and its invalidation.
  source.value = 'new'
  const gate = Promise.withResolvers<void>()
  const second = cacheOn(t, server.url, prefix, {}, async (apply) => {
    await gate.promise
    await apply(spec.tags.slice())
  })
  const { value, outcome } = await read(second.cache, spec, source.load)
  t.same([value, outcome], ['new', 'BYPASS'])
  gate.resolve()
  await until(() => second.cache.trusted, TRUSTED_AGAIN_MS)
  t.equal(await second.cache.wrap(spec, source.load), 'new')
  await until(async () => (await first.cache.wrap(spec, source.load)) === 'new', 1100)
})

t.test('while the outbox cannot be replayed, Redis is not trusted', async (t) => {
  let failures = 0
  const { cache } = cacheOn(t, server.url, randomUUID(), {}, async () => {
    if (++failures < 3) throw new Error('the database is gone')
  })
  const outcomes = new Set<string>()
  await until(async () => {
    if (failures < 3) outcomes.add((await read(cache, freshSpec(), async () => 1)).outcome)
    return cache.trusted
  }, TRUSTED_AGAIN_MS)
  t.same([...outcomes], ['BYPASS'])
  t.equal(failures, 3)
})

t.test('a process that does not trust Redis yet still invalidates there, for the others', async (t) => {
  const prefix = randomUUID()
  const source = new Source('old')
  const spec = freshSpec()
  const other = cacheOn(t, server.url, prefix, { l1LeaseMs: 0 })
  await other.breaker.probe()
  const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { cache, breaker } = cacheOn(t, server.url, prefix, {}, async () => {
    started.resolve()
    await gate.promise
  })
  await started.promise
  await other.cache.wrap(spec, source.load)
  source.value = 'new'
  await cache.invalidate(spec.tags)
  t.equal(await other.cache.wrap(spec, source.load), 'new')
  t.equal(cache.trusted, false)
  gate.resolve()
  await breaker.probe()
})

t.test('the cache in memory replays the outbox at its start too', async (t) => {
  const applied: string[][] = []
  const { cache } = await embeddedCache(t, {}, async (apply) => {
    await apply(['course:1'])
    applied.push(['course:1'])
  })
  t.same(applied, [['course:1']])
  t.equal(cache.trusted, true)
})
