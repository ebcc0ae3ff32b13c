import t from 'tap'
import { deleteMatching } from '../../src/cache/invalidation/clearing.ts'
import { plainClient } from '../support/caches.ts'
import { RedisServer } from '../support/redis.ts'
import { onEachStore, redisStore } from '../support/stores.ts'

const LONG_MS = 60_000

const DATA = [
  ...['course:1', 'course:2', 'course:12', 'course:1:modules', 'user:123:profile', 'user:123:progress:4'],
  ...['api:categories', 'generation:abc', 'stats:overview']
]
/** Never cleared, whatever the pattern: sessions, limits, jobs, and keys that merely begin like those of data. */
const NOT_DATA = ['session:abc', 'limit:1.2.3.4', 'job:1', 'courses:1', 'course', 'tags:1']

const PATTERNS: [pattern: string, matching: readonly string[]][] = [
  ['course:*', ['course:1', 'course:2', 'course:12', 'course:1:modules']],
  ['user:123:*', ['user:123:profile', 'user:123:progress:4']],
  ['course:1', ['course:1']],
  ['course:?', ['course:1', 'course:2']],
  ['course:??', ['course:12']],
  ['course:[12]', ['course:1', 'course:2']],
  ['course:[2-9]', ['course:2']],
  ['course:[9-2]', ['course:2']],
  ['course:[^1]', ['course:2']],
  ['course:\\1', ['course:1']],
  ['course:\\*', []],
  ['*:1', ['course:1']],
  ['*', DATA],
  ['', []],
  ['COURSE:*', []],
  ['session:*', []],
  ['tag:*', []],
  ['lock:*', []],
  ['limit*', []],
  ['*s*:*', DATA.filter((key) => /s.*:/.test(key))],
  ['[', []],
  ['course:[1', ['course:1']],
  ['course:\\', []]
]

const server = await RedisServer.start()
t.teardown(() => server.stop())

await onEachStore(t, server, async (t, connect) => {
  const store = await connect(t)
  const stamps = await store.ensureStamps(['course:1', 'user:123'])
  await store.lock('course:1', LONG_MS)

  for (const [pattern, matching] of PATTERNS) {
    await t.test(`clearing ${JSON.stringify(pattern)} removes ${matching.length} of ${DATA.length} keys`, async (t) => {
      for (const key of [...DATA, ...NOT_DATA]) await store.set(key, 'text', LONG_MS)
      t.equal(await deleteMatching(store, pattern), matching.length)
      const left = await Promise.all(DATA.map(async (key) => ((await store.get(key)) === null ? [] : [key])))
      t.same(
        left.flat(),
        DATA.filter((key) => !matching.includes(key))
      )
      for (const key of NOT_DATA) t.ok(await store.get(key), `${key} still exists`)
      t.same(await store.stamps(['course:1', 'user:123']), stamps)
      t.equal(await store.lock('course:1', LONG_MS), false, 'the lock is still held')
    })
  }

  await t.test('clearing finds its 5,000 keys among others', async (t) => {
    const keys = Array.from({ length: 5000 }, (_, i) => `course:${i}`)
    await deleteMatching(store, '*')
    // In batches: on a busy machine the last of them would exceed the command timeout.
    for (let at = 0; at < keys.length; at += 500) {
      await Promise.all(keys.slice(at, at + 500).map((key) => store.set(key, 'text', LONG_MS)))
    }
    await store.set('user:1:profile', 'text', LONG_MS)
    t.equal(await deleteMatching(store, 'course:*'), 5000)
    t.equal(await deleteMatching(store, 'course:*'), 0)
    t.equal(await store.delete(keys), 0)
    t.equal((await store.get('user:1:profile'))?.text, 'text')
  })
})

t.test('clearing leaves the keys of other prefixes in the same Redis', async (t) => {
  const redis = plainClient(t, server)
  const others = ['course:1', 'other:course:1', 'schoolx:course:1', 'xschool:course:1', 'session:1']
  await redis.mset(Object.fromEntries(others.map((key) => [key, 'theirs'])))
  const store = await redisStore(t, server, 'school')
  for (const pattern of ['*', 'course:*', '*:course:1', '*course*']) await deleteMatching(store, pattern)
  t.equal(await redis.exists(...others), others.length)
})

t.test('glob characters in a prefix are literal', async (t) => {
  const redis = plainClient(t, server)
  await redis.mset({ 'aXb:course:1': 'theirs', 'a?b:course:1': 'ours' })
  const store = await redisStore(t, server, 'a?b')
  t.equal(await deleteMatching(store, '*'), 1)
  t.equal(await redis.exists('aXb:course:1'), 1)
})
