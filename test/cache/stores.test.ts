import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { deleteMatching } from '../../src/cache/invalidation/clearing.ts'
import { stampKey } from '../../src/cache/keys.ts'
import { MemoryStore } from '../../src/cache/store/memory-store.ts'
import { plainClient } from '../support/caches.ts'
import { RedisServer } from '../support/redis.ts'
import { onEachStore, redisStore } from '../support/stores.ts'

const MEBIBYTE = 1024 * 1024
const MINUTE = 60_000
const LONG_MS = MINUTE
const SHORT_MS = 40
/** The time that may pass between storing a value and reading its TTL. */
const SLACK_MS = 5000
const CLIENTS = 5

const server = await RedisServer.start()
t.teardown(() => server.stop())

await onEachStore(t, server, async (t, connect) => {
  const store = await connect(t)

  await t.test('a stored value is returned with its remaining TTL', async (t) => {
    t.equal(await store.get('course:1'), null)
    const texts = ['text', '', 'two\nlines', 'Ёж 🦔', 'x'.repeat(MEBIBYTE)]
    for (const text of texts) {
      await store.set('course:1', text, LONG_MS)
      const stored = await store.get('course:1')
      t.equal(stored?.text, text)
      t.ok(stored !== null && Math.abs(stored.ttlMs - LONG_MS) < SLACK_MS, `${stored?.ttlMs} ms`)
    }
  })

  await t.test('an expired value is gone, and is not counted by delete', async (t) => {
    for (const key of ['course:1', 'course:2', 'course:3']) await store.set(key, 'text', SHORT_MS)
    await store.set('course:3', 'longer', LONG_MS)
    await sleep(2 * SHORT_MS)
    t.equal((await store.get('course:3'))?.text, 'longer', 'a new value has its own TTL')
    t.equal(await store.delete(['course:2']), 0)
    t.equal(await deleteMatching(store, 'course:1'), 0)
    t.equal(await store.get('course:1'), null)
    await store.delete(['course:3'])
  })

  await t.test('delete returns how many keys existed', async (t) => {
    for (const key of ['course:1', 'course:2', 'course:3']) await store.set(key, 'text', LONG_MS)
    t.equal(await store.delete([]), 0)
    t.equal(await store.delete(['course:1', 'course:9', 'course:2', 'course:1']), 2)
    t.equal(await store.get('course:1'), null)
    t.equal((await store.get('course:3'))?.text, 'text')
  })

  await t.test('keys are listed in pages, with their memory usage and TTL', async (t) => {
    const keys = Array.from({ length: 1200 }, (_, i) => `stats:page:${i}`)
    for (const key of keys) await store.set(key, 'text', LONG_MS)
    await store.set('course:one', 'x'.repeat(10_000), LONG_MS)
    const pages = async (pattern: string, limit: number) => {
      const items = []
      for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
        const page = await store.page(pattern, cursor, limit)
        t.ok(page.items.length < 4 * limit)
        items.push(...page.items)
        cursor = page.next
      }
      return items
    }
    const all = await pages('stats:page:*', 100)
    t.strictSame([...new Set(all.map(({ key }) => key))].sort(), keys.toSorted())
    t.ok(all.every(({ bytes, ttlMs }) => (bytes ?? 0) > 0 && ttlMs !== null && ttlMs > LONG_MS - SLACK_MS))
    const [one, ...more] = await pages('course:on?', 10)
    t.same([one?.key, more], ['course:one', []], 'one key among many')
    t.ok((one?.bytes ?? 0) > 9000)
    t.equal(await store.memoryUsage('course:one'), one?.bytes)
    t.equal(await store.memoryUsage('course:none'), null)
    await deleteMatching(store, '*')
  })

  await t.test('a tag has no stamp until one is created', async (t) => {
    t.same(await store.stamps([]), [])
    t.same(await store.ensureStamps([]), [])
    t.same(await store.stamps(['a', 'b']), [null, null])
    const [b] = await store.ensureStamps(['b'])
    t.ok(b)
    t.same(await store.stamps(['a', 'b', 'a']), [null, b, null], 'in the requested order')
    const both = await store.ensureStamps(['a', 'b'])
    t.equal(both[1], b, 'an existing stamp stays')
    t.same(await store.stamps(['a', 'b']), both)
  })

  await t.test('a renewed stamp differs from all earlier ones', async (t) => {
    const [other] = await store.ensureStamps(['other'])
    const seen = new Set<string | null>()
    for (let i = 0; i < 300; i++) {
      await store.renewStamps(['renewed', 'new'])
      for (const stamp of await store.stamps(['renewed', 'new'])) seen.add(stamp)
    }
    t.equal(seen.size, 600)
    t.notOk(seen.has(null))
    t.same(await store.stamps(['other']), [other])
  })

  await t.test('a stamp lasts a minute, or hours once an entry uses it or it was renewed', async (t) => {
    const left = async (tag: string) => (await store.get(stampKey(tag)))?.ttlMs ?? 0
    const stamps = await store.ensureStamps(['asked', 'used'])
    t.ok(Math.abs((await left('asked')) - MINUTE) < SLACK_MS)
    await store.prolongStamps(['used', 'never made'])
    await store.ensureStamps(['asked', 'used'])
    await store.renewStamps(['written'])
    t.ok((await left('asked')) < MINUTE + SLACK_MS)
    for (const tag of ['used', 'written']) t.ok((await left(tag)) > 60 * MINUTE, tag)
    t.same(await store.stamps(['asked', 'used', 'never made']), [...stamps, null], 'the stamps stay the same')
  })

  await t.test('fifty callers at once get the same stamps', async (t) => {
    const stores = await Promise.all(Array.from({ length: CLIENTS }, () => connect(t)))
    const tags = ['together:1', 'together:2', 'together:3']
    const calls = Array.from({ length: 50 }, (_, i) => stores[i % CLIENTS]?.ensureStamps(tags))
    const [first, ...rest] = await Promise.all(calls)
    t.equal(new Set(first).size, 3, 'each tag has its own stamp')
    for (const stamps of rest) t.same(stamps, first)
    t.same(await store.stamps(tags), first)
  })

  await t.test('a lock belongs to the first caller until it is unlocked', async (t) => {
    const stores = await Promise.all(Array.from({ length: CLIENTS }, () => connect(t)))
    const calls = Array.from({ length: 50 }, (_, i) => stores[i % CLIENTS]?.lock('door', LONG_MS))
    t.equal((await Promise.all(calls)).filter((got) => got).length, 1)
    t.equal(await store.lock('window', LONG_MS), true, 'another name is another lock')
    await store.unlock('door')
    t.equal(await stores[1]?.lock('door', LONG_MS), true)
    t.equal(await store.lock('door', LONG_MS), false)
    await store.unlock('nobody has it')
  })

  await t.test('a lock that is never freed expires', async (t) => {
    t.equal(await store.lock('forgotten', SHORT_MS), true)
    t.equal(await store.lock('forgotten', LONG_MS), false)
    await sleep(2 * SHORT_MS)
    t.equal(await store.lock('forgotten', LONG_MS), true)
  })
})

t.test('the store in memory is bounded in bytes, and keeps the latest entries', async (t) => {
  const store = new MemoryStore(MEBIBYTE)
  const text = 'x'.repeat(1000)
  const names = Array.from({ length: 5000 }, (_, i) => `course:${i}`)
  for (const name of names) await store.set(name, text, LONG_MS)
  const kept = (await Promise.all(names.map((name) => store.get(name)))).filter((stored) => stored !== null)
  t.ok(kept.length * text.length <= MEBIBYTE, `${kept.length} entries of ${text.length} characters`)
  t.ok(kept.length > 100, 'the space is used')
  t.ok(await store.get('course:4999'))
  t.equal(await store.get('course:0'), null)
})

t.test('a store in memory of 0 bytes keeps nothing, without an error', async (t) => {
  const store = new MemoryStore(0)
  await store.set('course:1', 'text', LONG_MS)
  t.equal(await store.get('course:1'), null)
  t.equal((await store.ensureStamps(['course:1'])).length, 1)
})

t.test('every key in Redis is under the prefix, and expires', async (t) => {
  const redis = plainClient(t, server)
  await redis.flushall()
  const store = await redisStore(t, server, 'school')
  await store.set('course:1', 'text', LONG_MS)
  await store.ensureStamps(['course:1'])
  await store.renewStamps(['course:2'])
  await store.lock('course:1', LONG_MS)
  const keys = await redis.keys('*')
  t.equal(keys.length, 4)
  for (const key of keys) {
    t.match(key, /^school:/)
    t.ok((await redis.pttl(key)) > 0, `${key} expires`)
  }
})
