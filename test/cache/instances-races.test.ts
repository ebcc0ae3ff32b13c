import t from 'tap'
import { freshSpec, openService, present, read, Source } from '../support/caches.ts'
import { until } from '../support/eventually.ts'
import { RedisServer } from '../support/redis.ts'

/** Long enough that a change seen earlier must have come by message. */
const LONG_LEASE_MS = 30_000
const MESSAGE_MS = 1000

const server = await RedisServer.start()
t.teardown(() => server.stop())

for (const l1LeaseMs of [0, LONG_LEASE_MS]) {
  const settings = { l1LeaseMs }
  t.test(`lease ${l1LeaseMs}`, async (t) => {
    const { caches } = await openService(t, server, [settings, settings])
    const [a, b] = [present(caches[0]), present(caches[1])]

    await t.test('a load in one process that raced a write of another is never served', async (t) => {
      const source = new Source('old')
      const spec = freshSpec()
      const racing = source.gated()
      const reader = a.wrap(spec, racing.load)
      await racing.started
      source.value = 'new'
      await b.invalidate(spec.tags)
      racing.finish()
      t.equal(await reader, 'old', 'it began before the write')
      t.equal(await b.wrap(spec, source.load), 'new')
      const ms = await until(async () => (await a.wrap(spec, source.load)) === 'new', 5000)
      t.ok(ms < MESSAGE_MS, `${ms} ms`)
    })

    await t.test('a reader after a write does not wait for a load that another process began before it', async (t) => {
      const source = new Source('old')
      const spec = freshSpec()
      const racing = source.gated()
      const early = a.wrap(spec, racing.load)
      await racing.started
      source.value = 'new'
      await b.invalidate(spec.tags)
      t.equal((await read(b, spec, source.load)).value, 'new')
      t.equal(
        (await read(a, spec, source.load)).value,
        'new',
        'a reader in the loading process does not wait for it either'
      )
      racing.finish()
      t.equal(await early, 'old')
      for (const cache of [a, b]) t.equal((await read(cache, spec, source.load)).value, 'new')
    })

    await t.test('a reader that waits for another process gets the latest write or a newer one', async (t) => {
      const source = new Source('old')
      const spec = freshSpec()
      const racing = source.gated()
      const early = a.wrap(spec, racing.load)
      await racing.started
      const waiting = b.wrap(spec, source.load)
      source.value = 'new'
      await b.invalidate(spec.tags)
      t.equal((await read(b, spec, source.load)).value, 'new')
      racing.finish()
      await Promise.all([early, waiting])
      for (const cache of [a, b]) t.equal((await read(cache, spec, source.load)).value, 'new')
    })

    await t.test('clearing by pattern and deleting reach the copies of the other process', async (t) => {
      const source = new Source(1)
      const specs = [freshSpec(), freshSpec({ tags: [] }), freshSpec({ key: 'user:1:profile', tags: ['user:1'] })]
      const clear = [
        () => a.delete(specs.slice(0, 2).map(({ key }) => key)),
        () => a.clearPattern('course:*'),
        () => b.clearPattern('course:*')
      ]
      for (const removed of clear) {
        await a.clearPattern('*')
        const readAll = (cache: typeof a) => Promise.all(specs.map((spec) => cache.wrap(spec, source.load)))
        await until(async () => (await readAll(b)).every((value) => value === source.value), 5000)
        await readAll(a)
        await readAll(b)
        const old = source.value++
        t.equal(await removed(), 2)
        const expected = [source.value, source.value, old]
        for (const cache of [a, b]) {
          const ms = await until(async () => `${await readAll(cache)}` === `${expected}`, 5000)
          t.ok(ms < MESSAGE_MS, `${ms} ms`)
        }
      }
    })
  })
}
