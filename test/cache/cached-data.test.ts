import t from 'tap'
import { GenerationCache } from '#generation/generation-cache.ts'
import { specs, tags } from '../support/cached-data.ts'
import { onBothStores, Source } from '../support/caches.ts'

const ID = '0191f6a2-7b0c-7def-8a4e-1c2d3e4f5a6b'

await onBothStores(t, async (t, open) => {
  const { cache } = await open(t)

  await t.test('values of a user are cached and invalidated separately', async (t) => {
    const [mine, yours] = [new Source('mine'), new Source('yours')]
    const reads = async () => [
      await cache.wrap(specs.profile(1), mine.load),
      await cache.wrap(specs.profile(2), yours.load),
      await cache.wrap(specs.progress(1, 7), mine.load),
      await cache.wrap(specs.progress(2, 7), yours.load),
      await cache.wrap(specs.progress(1, 8), mine.load)
    ]
    for (let i = 0; i < 2; i++) t.same(await reads(), ['mine', 'yours', 'mine', 'yours', 'mine'])
    t.same([mine.loads, yours.loads], [3, 2])
    mine.value = yours.value = 'new'
    await cache.invalidate([tags.user(1), tags.progress(1)])
    t.same(await reads(), ['new', 'yours', 'new', 'yours', 'new'])
  })

  await t.test('invalidating a course invalidates progress, whose percentage depends on the chapters', async (t) => {
    const source = new Source(50)
    await cache.wrap(specs.progress(3, 9), source.load)
    source.value = 25
    await cache.invalidate(['course:9'])
    t.equal(await cache.wrap(specs.progress(3, 9), source.load), 25)
  })

  await t.test('the status and chapters of a generation are cached until they are cleared', async (t) => {
    const generations = new GenerationCache(cache)
    const [status, chapters] = [new Source('queued'), new Source(['one'])]
    const read = async () => [await generations.status(ID, status.load), await generations.chapters(ID, chapters.load)]
    for (let i = 0; i < 2; i++) t.same(await read(), ['queued', ['one']])
    t.same([status.loads, chapters.loads], [1, 1])
    status.value = 'completed'
    await generations.clear(ID)
    t.same(await read(), ['completed', ['one']])
  })
})
