import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createEntry } from '../../src/cache/entry.ts'
import { MemoryTier } from '../../src/cache/l1/memory-tier.ts'
import { present } from '../support/caches.ts'

const MEBIBYTE = 1024 * 1024
const LONG_MS = 60_000
const ENTRY = createEntry('test', 'text')

/** A copy with these tags, checked now. */
function kept(tier: MemoryTier, key: string, tags: readonly string[], ttlMs = LONG_MS) {
  tier.keep(key, ENTRY, tier.begin(tags), performance.now() + ttlMs)
  return present(tier.get(key))
}

t.test('a copy is trusted for the lease, and no longer', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  const copy = kept(tier, 'course:1', ['course:1'])
  t.equal(tier.isTrusted(copy, 50), true)
  t.equal(tier.isTrusted(copy, 0), false, 'never with a lease of 0')
  await sleep(60)
  t.equal(tier.isTrusted(copy, 50), false)
  t.equal(tier.isTrusted(copy, LONG_MS), true, 'a longer lease')
  t.equal(tier.isIntact(copy.check), true)
})

t.test('the lease starts when the store is asked, not when it answers', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  const check = tier.begin(['course:1'])
  await sleep(60)
  tier.keep('course:1', ENTRY, check, performance.now() + LONG_MS)
  t.equal(tier.isTrusted(present(tier.get('course:1')), 50), false)
})

t.test('an expired copy is not trusted, but kept for stale-if-error', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  const copy = kept(tier, 'course:1', ['course:1'], 20)
  t.equal(tier.isTrusted(copy, LONG_MS), true)
  await sleep(30)
  t.equal(tier.isTrusted(copy, LONG_MS), false)
  t.equal(tier.isIntact(copy.check), true)
  t.equal(tier.get('course:1'), copy)
})

t.test('dropping any tag of a copy ends its trust at once; other tags do not matter', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  const [list, course, other] = [
    kept(tier, 'list', ['courses', 'categories']),
    kept(tier, 'course:1', ['course:1']),
    kept(tier, 'stats', [])
  ]
  tier.drop(['categories', 'unheard of'])
  t.equal(tier.isIntact(list.check), false)
  t.equal(tier.isTrusted(list, LONG_MS), false)
  t.equal(tier.isTrusted(course, LONG_MS), true)
  tier.drop(['course:1'])
  t.equal(tier.isTrusted(course, LONG_MS), false)
  t.equal(tier.isTrusted(other, LONG_MS), true)
  t.equal(tier.isTrusted(kept(tier, 'course:1', ['course:1']), LONG_MS), true, 'a later copy is trusted')
})

t.test('a drop while the store is asked invalidates its answer', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  for (const drop of [() => tier.drop(['course:1']), () => tier.dropAll()]) {
    const check = tier.begin(['course:1'])
    drop()
    tier.keep('course:1', ENTRY, check, performance.now() + LONG_MS)
    t.equal(tier.isTrusted(present(tier.get('course:1')), LONG_MS), false)
  }
})

t.test('a tag added to a check later is watched from then on', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  const keep = (between: () => void, after: () => void) => {
    const first = tier.begin(['course:1'])
    between()
    const check = tier.alsoWatch(first, ['user:7:name'])
    after()
    tier.keep('course:1', ENTRY, check, performance.now() + LONG_MS)
    return tier.isTrusted(present(tier.get('course:1')), LONG_MS)
  }
  const nothing = () => {}
  t.equal(keep(nothing, nothing), true)
  t.equal(
    keep(() => tier.drop(['user:7:name', 'other']), nothing),
    true,
    'its stamp is requested after the drop'
  )
  t.equal(
    keep(nothing, () => tier.drop(['user:7:name'])),
    false
  )
  t.equal(
    keep(() => tier.drop(['course:1']), nothing),
    false,
    'the first tag is watched from the beginning'
  )
  t.equal(
    keep(nothing, () => tier.drop(['course:1'])),
    false
  )
  for (const drop of [() => tier.dropAll(), () => tier.delete(['course:2'])]) {
    tier.delete(['course:1'])
    t.equal(tier.get('course:1'), undefined)
    const check = tier.begin(['course:1'])
    drop()
    tier.keep('course:1', ENTRY, tier.alsoWatch(check, ['user:7:name']), performance.now() + LONG_MS)
    const copy = tier.get('course:1')
    t.equal(copy !== undefined && tier.isIntact(copy.check), false, 'adding a tag does not renew an older check')
  }
  const copy = kept(tier, 'course:1', ['course:1', 'user:7:name'])
  tier.drop(['user:7:name'])
  t.equal(tier.isIntact(copy.check), false)
})

t.test('dropAll ends the trust in every copy, tagged or not', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  const copies = [kept(tier, 'course:1', ['course:1']), kept(tier, 'stats', [])]
  tier.dropAll()
  for (const copy of copies) t.equal(tier.isIntact(copy.check), false)
  t.equal(tier.isIntact(kept(tier, 'stats', []).check), true)
})

t.test('two reads share a load only when nothing was dropped between them', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  const last = () => tier.lastDrop(tier.begin(['course:1', 'courses']))
  const first = last()
  t.equal(last(), first)
  tier.drop(['unheard of'])
  t.equal(last(), first)
  tier.drop(['courses'])
  const second = last()
  t.not(second, first)
  tier.dropAll()
  t.not(last(), second)
})

t.test('the tier is bounded in bytes, and evicts the least recently read copies', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  const entry = createEntry('test', 'x'.repeat(1000))
  for (let i = 0; i < 5000; i++) {
    tier.keep(`course:${i}`, entry, tier.begin([]), performance.now() + LONG_MS)
    tier.get('course:0')
  }
  t.ok(tier.bytes <= MEBIBYTE)
  t.ok(tier.count > 100, 'the space is used')
  t.ok(tier.count * 1000 <= MEBIBYTE, `${tier.count} copies of 1,000 characters`)
  t.ok(tier.get('course:0'))
  t.equal(tier.get('course:1'), undefined)
})

t.test('a copy that is too large is not kept, and removes the one it replaces', async (t) => {
  const tier = new MemoryTier(10_000)
  kept(tier, 'course:1', [])
  tier.keep('course:1', createEntry('test', 'x'.repeat(10_000)), tier.begin([]), performance.now() + LONG_MS)
  t.equal(tier.get('course:1'), undefined)
})

t.test('a tier of 0 bytes keeps nothing', async (t) => {
  const tier = new MemoryTier(0)
  tier.keep('course:1', ENTRY, tier.begin([]), performance.now() + LONG_MS)
  t.equal(tier.get('course:1'), undefined)
  t.equal(tier.count, 0)
})

t.test('with more than 100,000 tags a drop is never missed', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  const before = kept(tier, 'course:1', ['course:1'])
  const check = tier.begin(['course:2'])
  for (let i = 0; i < 110_000; i++) tier.begin([`other:${i}`])
  tier.drop(['course:1', 'course:2'])
  tier.keep('course:2', ENTRY, check, performance.now() + LONG_MS)
  for (let i = 0; i < 110_000; i++) tier.drop([`other:${i}`])
  for (const copy of [before, present(tier.get('course:2'))]) t.equal(tier.isTrusted(copy, LONG_MS), false)
  t.equal(tier.isTrusted(kept(tier, 'course:1', ['course:1']), LONG_MS), true, 'the tier still works')
})

t.test('copies are removed by key, and by pattern', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  const keys = ['course:1', 'course:2', 'course:12', 'user:1:profile']
  const fill = () => keys.map((key) => kept(tier, key, []))
  const left = () => keys.filter((key) => tier.get(key) !== undefined)
  fill()
  tier.delete(['course:1', 'nothing'])
  t.same(left(), ['course:2', 'course:12', 'user:1:profile'])
  fill()
  tier.deleteMatching('course:?')
  t.same(left(), ['course:12', 'user:1:profile'])
  tier.deleteMatching('*')
  t.same(left(), [])
})

t.test('a key removed while the store is asked is not kept when it answers', async (t) => {
  const tier = new MemoryTier(MEBIBYTE)
  for (const remove of [() => tier.delete(['course:1']), () => tier.deleteMatching('course:*')]) {
    const check = tier.begin(['course:1'])
    remove()
    tier.keep('course:1', ENTRY, check, performance.now() + LONG_MS)
    t.equal(tier.get('course:1'), undefined)
    t.ok(kept(tier, 'course:1', ['course:1']), 'an answer requested later is kept')
  }
})
