import t from 'tap'
import { NotFoundError } from '#http/errors.ts'
import { createEntry, encodeEntry, newStamp } from '../../src/cache/entry.ts'
import { freshSpec, openService, present, read, Source } from '../support/caches.ts'
import { until } from '../support/eventually.ts'
import { RedisServer } from '../support/redis.ts'

const MINUTE = 60_000
/** The time that may pass between storing an entry and reading its TTL. */
const SLACK_MS = 3000

const server = await RedisServer.start()
t.teardown(() => server.stop())
// Without a memory tier, every read asks Redis.
const { caches, prefix, redis } = await openService(t, server, [{ l1MaxBytes: 0, defaultTtlMs: 90_000 }])
const cache = present(caches[0])
const left = (key: string) => redis.pttl(`${prefix}:${key}`)

/** Retries when a busy machine exceeded the Redis timeout, so that the cache bypassed Redis. */
async function made(spec = freshSpec()): Promise<string> {
  await until(async () => {
    await cache.wrap(spec, async () => 'value')
    return (await left(spec.key)) > 0
  }, 10_000)
  return spec.key
}

t.test('an entry has the TTL of its spec, minus up to five percent at random', async (t) => {
  const times = await Promise.all(
    Array.from({ length: 200 }, async () => left(await made(freshSpec({ ttlMs: MINUTE }))))
  )
  t.ok(Math.max(...times) <= MINUTE, `${Math.max(...times)} ms at most`)
  t.ok(Math.min(...times) > 0.95 * MINUTE - SLACK_MS, `${Math.min(...times)} ms at least`)
  t.ok(Math.max(...times) - Math.min(...times) > 0.03 * MINUTE, 'the TTLs are spread')
})

t.test('CACHE_DEFAULT_TTL applies to a spec without a TTL', async (t) => {
  const { ttlMs: _, ...spec } = freshSpec()
  const ms = await left(await made(spec))
  t.ok(ms <= 90_000 && ms > 0.95 * 90_000 - SLACK_MS, `${ms} ms`)
  await cache.set({ key: 'stats:x', shape: 'test', tags: [] }, 1)
  const set = await left('stats:x')
  t.ok(set <= 90_000 && set > 0.95 * 90_000 - SLACK_MS, `${set} ms`)
})

t.test('a negative entry lives for half a minute', async (t) => {
  const spec = freshSpec({ ttlMs: 30 * MINUTE })
  const missing = async (): Promise<number> => {
    throw new NotFoundError('course')
  }
  await t.rejects(cache.wrap(spec, missing), { message: 'course not found' })
  const ms = await left(spec.key)
  t.ok(ms <= 30_000 && ms > 0.95 * 30_000 - SLACK_MS, `${ms} ms`)
})

t.test('an expired entry is loaded again', async (t) => {
  const source = new Source(1)
  const spec = freshSpec({ ttlMs: 40 })
  await cache.wrap(spec, source.load)
  await new Promise((resolve) => setTimeout(resolve, 60))
  source.value = 2
  const { value, outcome } = await read(cache, spec, source.load)
  t.same([value, outcome], [2, 'MISS'])
})

t.test(
  'an invalidation removes the keys of the entity itself, and neither adds nor removes any other key',
  async (t) => {
    await redis.flushall()
    await made()
    await made(freshSpec({ key: 'course:900', tags: ['course:900'] }))
    await made(freshSpec({ key: 'course:900:modules', tags: ['course:900'] }))
    const keys = async () => (await redis.keys('*')).filter((key) => !key.endsWith(':probe'))
    const before = await keys()
    await cache.invalidate(['course:900'])
    const after = await keys()
    const gone = before.filter((key) => !after.includes(key))
    t.same(gone.sort(), [`${prefix}:course:900`, `${prefix}:course:900:modules`])
    t.equal(after.length, before.length - gone.length)
  }
)

t.test('evicted stamps cost a load, and revive no old entry', async (t) => {
  const source = new Source('old')
  const spec = freshSpec({ tags: ['a', 'b'] })
  await cache.wrap(spec, source.load)
  source.value = 'new'
  await redis.del(`${prefix}:tag:b`)
  t.equal((await read(cache, spec, source.load)).value, 'new')
  t.equal((await read(cache, spec, source.load)).outcome, 'HIT')
})

/** What an operator or another version may have left under the key of an entry. */
const BROKEN: Record<string, (entry: string, key: string) => Promise<unknown>> = {
  truncated: (entry, key) => redis.set(key, entry.slice(0, -1)),
  'truncated in its header': (entry, key) => redis.set(key, entry.slice(0, 10)),
  'of another version': (entry, key) => redis.set(key, `1${entry.slice(1)}`),
  'edited by hand': (entry, key) => redis.set(key, entry.replace('stored', 'longer than before')),
  garbage: (_, key) => redis.set(key, 'garbage'),
  'binary garbage': (_, key) => redis.set(key, Buffer.from([0xff, 0x00, 0x0a, 0xc3, 0x28])),
  empty: (_, key) => redis.set(key, ''),
  JSON: (_, key) => redis.set(key, '"stored"'),
  'of other stamps': (entry, key) => redis.set(key, entry.replace(/=[\w-]+/, `=${newStamp()}`)),
  'of another shape': (entry, key) => redis.set(key, entry.replace(' test ', ' other ')),
  'of other tags': (entry, key) => redis.set(key, entry.replace(/course:\d+=/, 'course:0=')),
  'with one more tag, which has no stamp': (entry, key) =>
    redis.set(key, entry.replace(/=[\w-]+/, `$&,course:0=${newStamp()}`)),
  'without stamps': (_, key) => redis.set(key, encodeEntry(createEntry('test', '"stored"'))),
  'a list': (_, key) => redis.rpush(key, 'a', 'b'),
  'a hash': (_, key) => redis.hset(key, 'a', 'b'),
  'a set': (_, key) => redis.sadd(key, 'a')
}

for (const [name, leave] of Object.entries(BROKEN)) {
  t.test(`an entry that is ${name} is a miss, and is replaced`, async (t) => {
    await until(() => cache.trusted, 5000)
    const spec = freshSpec()
    await cache.wrap(spec, async () => 'stored')
    const key = `${prefix}:${spec.key}`
    const entry = present((await redis.get(key)) ?? undefined)
    await redis.del(key)
    await leave(entry, key)
    t.equal(await cache.get(spec), null)
    // More than once: it must not open the circuit breaker either.
    const reads = []
    for (let i = 0; i < 5; i++) reads.push(await read(cache, spec, async () => 'loaded'))
    t.same(
      reads.map(({ value, outcome }) => `${value} ${outcome}`),
      ['loaded MISS', ...Array(4).fill('loaded HIT')]
    )
    t.equal(cache.trusted, true)
  })
}

t.test('a stamp key of another type is replaced', async (t) => {
  await until(() => cache.trusted, 5000)
  const spec = freshSpec()
  await redis.rpush(`${prefix}:tag:${spec.key}`, 'a')
  const reads = []
  for (let i = 0; i < 5; i++) reads.push(await read(cache, spec, async () => 'loaded'))
  t.same(
    reads.map(({ value, outcome }) => `${value} ${outcome}`),
    ['loaded MISS', ...Array(4).fill('loaded HIT')]
  )
  t.equal(cache.trusted, true)
})
