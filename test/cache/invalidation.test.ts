import t from 'tap'
import { NotFoundError } from '#http/errors.ts'
import { freshSpec, onBothStores, read, Source } from '../support/caches.ts'

const LEASES = [0, 1000]

for (const l1LeaseMs of LEASES) {
  await onBothStores(t, async (t, open) => {
    const { cache } = await open(t, { l1LeaseMs })

    await t.test(`lease ${l1LeaseMs}: an invalidated entry is loaded again`, async (t) => {
      const source = new Source(1)
      const spec = freshSpec()
      for (let i = 1; i <= 20; i++) {
        source.value = i
        await cache.invalidate(spec.tags)
        const [first, second] = [await read(cache, spec, source.load), await read(cache, spec, source.load)]
        t.same([first.value, first.outcome, second.value, second.outcome], [i, 'MISS', i, 'HIT'])
      }
    })

    await t.test(`lease ${l1LeaseMs}: an invalidation reaches every entry with the tag, and no other`, async (t) => {
      const source = new Source(1)
      const tag = freshSpec().key
      const specs = [
        freshSpec({ tags: [tag] }),
        freshSpec({ tags: [tag, 'categories'] }),
        freshSpec({ tags: ['a', 'b', tag] })
      ]
      const others = [freshSpec(), freshSpec({ tags: [] }), freshSpec({ tags: ['categories'] })]
      for (const spec of [...specs, ...others]) await cache.wrap(spec, source.load)
      source.value = 2
      await cache.invalidate([tag, 'never used'])
      for (const spec of specs) t.equal((await read(cache, spec, source.load)).value, 2)
      for (const spec of others) t.equal((await read(cache, spec, source.load)).value, 1)
    })

    await t.test(`lease ${l1LeaseMs}: a load that raced an invalidation is never served`, async (t) => {
      const source = new Source('old')
      const spec = freshSpec({ tags: ['courses', 'categories'] })
      await cache.wrap(spec, source.load)
      await cache.invalidate(['courses'])
      const racing = source.gated()
      const reader = cache.wrap(spec, racing.load)
      await racing.started
      source.value = 'new'
      await cache.invalidate(['categories'])
      racing.finish()
      t.equal(await reader, 'old', 'it began before the write')
      t.equal(await cache.get(spec), null)
      const { value, outcome } = await read(cache, spec, source.load)
      t.same([value, outcome], ['new', 'MISS'])
    })

    await t.test(`lease ${l1LeaseMs}: a negative result that raced an invalidation is never served`, async (t) => {
      const spec = freshSpec()
      const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const missing = async (): Promise<string> => {
        started.resolve()
        await gate.promise
        throw new NotFoundError('course')
      }
      const reader = cache.wrap(spec, missing)
      await started.promise
      await cache.invalidate(spec.tags)
      gate.resolve()
      await t.rejects(reader, { message: 'course not found' })
      t.equal((await read(cache, spec, async () => 'there')).value, 'there')
    })

    await t.test(`lease ${l1LeaseMs}: a reader after a write does not join a load from before it`, async (t) => {
      const source = new Source('old')
      const spec = freshSpec()
      const racing = source.gated()
      const early = Array.from({ length: 3 }, () => cache.wrap(spec, racing.load))
      await racing.started
      source.value = 'new'
      await cache.invalidate(spec.tags)
      const late = await Promise.all(Array.from({ length: 3 }, () => read(cache, spec, source.load)))
      t.same(
        late.map(({ value }) => value),
        ['new', 'new', 'new']
      )
      racing.finish()
      await Promise.all(early)
      t.equal((await read(cache, spec, source.load)).value, 'new', 'the end of the older load does not undo it')
    })

    await t.test(
      `lease ${l1LeaseMs}: with concurrent writers and readers, no reader sees an older value than was written`,
      async (t) => {
        const source = new Source(0)
        const spec = freshSpec()
        let acknowledged = 0
        const late: string[] = []
        const writer = async () => {
          for (let i = 0; i < 100; i++) {
            const written = ++source.value
            await cache.invalidate(spec.tags)
            acknowledged = Math.max(acknowledged, written)
          }
        }
        const reader = async () => {
          for (let i = 0; i < 200; i++) {
            const expected = acknowledged
            const value = await cache.wrap(spec, async () => {
              const value = source.value
              await new Promise(setImmediate)
              return value
            })
            if (value < expected) late.push(`${value} after ${expected}`)
          }
        }
        await Promise.all([writer(), writer(), reader(), reader(), reader()])
        t.same(late, [])
        t.equal((await read(cache, spec, source.load)).value, 200)
      }
    )
  })
}
