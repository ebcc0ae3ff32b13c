import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { NotFoundError } from '#http/errors.ts'
import { Trace } from '../../src/cache/read/trace.ts'
import { freshSpec, onBothStores, read, Source } from '../support/caches.ts'

await onBothStores(t, async (t, open) => {
  const { cache } = await open(t)

  await t.test('a value is loaded once, and then served from the cache', async (t) => {
    const source = new Source({ title: 'Ёж 🦔', chapters: [1, 2] })
    const spec = freshSpec()
    const [first, second] = [await read(cache, spec, source.load), await read(cache, spec, source.load)]
    t.same([first.outcome, first.trace.hits, first.trace.misses], ['MISS', 0, 1])
    t.same([second.outcome, second.trace.hits, second.trace.misses], ['HIT', 1, 0])
    t.strictSame([first.value, second.value], [source.value, source.value])
    t.equal(source.loads, 1)
  })

  await t.test('a trace counts all look-ups of a request', async (t) => {
    const source = new Source(1)
    const [one, other] = [freshSpec(), freshSpec()]
    const trace = new Trace()
    for (const spec of [one, other, one, one]) await cache.wrap(spec, source.load, trace)
    t.same([trace.hits, trace.misses], [2, 2])
    t.equal(trace.outcome, 'HIT', 'the outcome is that of the last look-up')
  })

  await t.test('a trace separates the load time from the cache time', async (t) => {
    const spec = freshSpec()
    const slow = async () => {
      await sleep(100)
      return 1
    }
    const [loading, waiting] = await Promise.all([read(cache, spec, slow), read(cache, spec, slow)])
    t.ok(loading.trace.loadMs >= 95, `load: ${loading.trace.loadMs} ms`)
    t.ok(loading.trace.cacheMs < 90, `cache: ${loading.trace.cacheMs} ms`)
    t.equal(waiting.trace.loadMs, 0, 'another reader loaded')
    t.ok(waiting.trace.cacheMs >= 90, `waited ${waiting.trace.cacheMs} ms`)
  })

  await t.test('a trace separates the times of several concurrent look-ups too', async (t) => {
    const [spec, other] = [freshSpec(), freshSpec()]
    const slow = async () => {
      await sleep(100)
      return 1
    }
    const trace = new Trace()
    await cache.wrap(other, slow, trace)
    const somebodyElse = cache.wrap(spec, slow)
    await cache.wrap(spec, slow, trace)
    await somebodyElse
    t.ok(trace.loadMs >= 95 && trace.loadMs < 190, `load: ${trace.loadMs} ms`)
    t.ok(trace.cacheMs >= 90, `waited ${trace.cacheMs} ms`)
  })

  await t.test('a reader that mutates its value does not affect other readers', async (t) => {
    const spec = freshSpec()
    const load = async () => ({ items: [1] })
    for (let i = 0; i < 3; i++) {
      const { value } = await read(cache, spec, load)
      t.same(value, { items: [1] })
      value.items.push(2)
    }
  })

  await t.test('a hundred concurrent readers share one load', async (t) => {
    const source = new Source(1)
    const spec = freshSpec()
    const reads = await Promise.all(Array.from({ length: 100 }, () => read(cache, spec, source.load)))
    t.equal(source.loads, 1)
    t.ok(reads.every(({ value }) => value === 1))
  })

  await t.test('a load error reaches every reader, and is not cached', async (t) => {
    const spec = freshSpec()
    let calls = 0
    const fail = async (): Promise<number> => {
      calls++
      throw new Error('broken')
    }
    const failed = await Promise.allSettled(Array.from({ length: 10 }, () => cache.wrap(spec, fail)))
    t.ok(failed.every((result) => result.status === 'rejected' && result.reason.message === 'broken'))
    t.equal(calls, 1)
    t.equal((await read(cache, spec, async () => 7)).value, 7)
  })

  await t.test('a missing record is cached until it is invalidated', async (t) => {
    const spec = freshSpec()
    let calls = 0
    const missing = async (): Promise<number> => {
      calls++
      throw new NotFoundError('course')
    }
    for (let i = 0; i < 3; i++) {
      const trace = new Trace()
      await t.rejects(cache.wrap(spec, missing, trace), {
        statusCode: 404,
        message: 'course not found',
        what: 'course'
      })
      t.equal(trace.outcome, i === 0 ? 'MISS' : 'HIT')
    }
    t.equal(calls, 1)
    t.equal(await cache.get(spec), null)
    await cache.invalidate(spec.tags)
    t.equal((await read(cache, spec, async () => 7)).value, 7)
  })

  await t.test('get returns a cached value, and never loads', async (t) => {
    const spec = freshSpec()
    t.equal(await cache.get(spec), null)
    await cache.wrap(spec, async () => ({ id: 1 }))
    t.same(await cache.get(spec), { id: 1 })
    await cache.invalidate(spec.tags)
    t.equal(await cache.get(spec), null)
  })

  await t.test('set replaces a value without tags', async (t) => {
    const spec = freshSpec({ tags: [] })
    await cache.set(spec, { status: 'queued' })
    t.same(await cache.get(spec), { status: 'queued' })
    await cache.set(spec, { status: 'running' })
    t.same(await cache.get(spec), { status: 'running' })
    const { value, outcome } = await read(cache, spec, async () => ({ status: 'loaded' }))
    t.same([value, outcome], [{ status: 'running' }, 'HIT'])
  })

  await t.test('a reader in the same process sees a set value at once', async (t) => {
    const spec = freshSpec({ tags: [] })
    t.equal((await read(cache, spec, async () => 1)).value, 1)
    await cache.set(spec, 2)
    t.equal((await read(cache, spec, async () => 3)).value, 2)
  })

  await t.test('set refuses a value with tags, as it may predate an invalidation', async (t) => {
    await t.rejects(cache.set(freshSpec(), 1), RangeError)
  })

  await t.test('delete removes keys, and returns how many existed', async (t) => {
    const source = new Source(1)
    const [one, other, tagless] = [freshSpec(), freshSpec(), freshSpec({ tags: [] })]
    for (const spec of [one, other, tagless]) await cache.wrap(spec, source.load)
    t.equal(await cache.delete([one.key, tagless.key, freshSpec().key]), 2)
    source.value = 2
    t.equal((await read(cache, one, source.load)).value, 2)
    t.equal((await read(cache, tagless, source.load)).value, 2)
    t.equal((await read(cache, other, source.load)).value, 1)
  })

  await t.test('clearPattern removes matching entries, tagged or not, and returns their number', async (t) => {
    const source = new Source(1)
    const specs = [freshSpec({ key: 'user:77:profile' }), freshSpec({ key: 'user:77:progress:1', tags: [] })]
    const other = freshSpec({ key: 'user:7:profile' })
    for (const spec of [...specs, other]) await cache.wrap(spec, source.load)
    source.value = 2
    t.equal(await cache.clearPattern('user:77:*'), 2)
    for (const spec of specs) t.equal((await read(cache, spec, source.load)).value, 2)
    t.equal((await read(cache, other, source.load)).value, 1)
    t.equal(await cache.clearPattern('session:*'), 0)
  })

  await t.test('an invalid or overlong key is refused before the load', async (t) => {
    const source = new Source(1)
    for (const key of ['course:*', 'course 1', 'ключ', '', 'x'.repeat(513)]) {
      await t.rejects(cache.wrap(freshSpec({ key, tags: [] }), source.load), RangeError)
      await t.rejects(cache.set(freshSpec({ key, tags: [] }), 1), RangeError)
    }
    t.equal(source.loads, 0)
  })

  await t.test('a value above the size limit is returned but not stored; one at the limit is stored', async (t) => {
    const { cache, tier, logged } = await open(t, { maxEntryBytes: 2000 })
    // Including the quotes: 2,000 bytes, 2,001 bytes, and many more bytes in fewer characters.
    const values = ['x'.repeat(1998), 'x'.repeat(1999), 'Ё'.repeat(1500)]
    const stored: (number | undefined)[] = []
    for (const value of values) {
      const spec = freshSpec()
      t.equal((await read(cache, spec, async () => value)).value, value)
      tier.delete([spec.key])
      stored.push((await cache.get<string>(spec))?.length)
    }
    t.same(stored, [1998, undefined, undefined])
    t.equal(logged().match(/CACHE_MAX_ENTRY_BYTES/g)?.length, 2)
  })

  await t.test('setting a value that is too large removes the previous one', async (t) => {
    const { cache } = await open(t, { maxEntryBytes: 2000 })
    const spec = freshSpec({ tags: [] })
    await cache.set(spec, 'small')
    await cache.set(spec, 'x'.repeat(3000))
    t.not(await cache.get(spec), 'small')
  })
})
