import t from 'tap'
import { freshSpec, openService, present, read, Source } from '../support/caches.ts'
import { RedisServer } from '../support/redis.ts'

const server = await RedisServer.start()
t.teardown(() => server.stop())

t.test('a copy is confirmed against the stamps that the store has at that moment', async (t) => {
  const { caches } = await openService(t, server, [{ l1LeaseMs: 0 }, { l1LeaseMs: 0 }])
  const [a, b] = [present(caches[0]), present(caches[1])]
  const source = new Source(1)
  const spec = freshSpec()
  t.equal(a.confirm(spec), null, 'no copy yet')
  await read(a, spec, source.load)

  t.match(await a.confirm(spec), { value: '1' })

  source.value = 2
  await b.invalidate(spec.tags)
  t.equal(await a.confirm(spec), null, 'another process has written')
  t.match(await read(a, spec, source.load), { value: 2, outcome: 'MISS' })
  t.match(await a.confirm(spec), { value: '2' })
})

t.test('confirming a copy renews its lease', async (t) => {
  const { caches } = await openService(t, server, [{ l1LeaseMs: 30_000 }])
  const cache = present(caches[0])
  const spec = freshSpec()
  await read(cache, spec, async () => 1)
  t.ok(await cache.confirm(spec))
  t.match(cache.peek(spec), { value: '1' })
})

t.test('an outdated copy does not replace a newer one', async (t) => {
  const { caches } = await openService(t, server, [{ l1LeaseMs: 30_000 }, {}])
  const [a, b] = [present(caches[0]), present(caches[1])]
  const source = new Source(1)
  const spec = freshSpec()
  await read(a, spec, source.load)
  source.value = 2
  await b.invalidate(spec.tags)
  const old = a.confirm(spec)
  const [, fresh] = await Promise.all([old, read(a, spec, source.load)])
  t.equal(fresh.value, 2)
  t.match(await a.confirm(spec), { value: '2' })
})

t.test('no copy is confirmed while the store does not answer', async (t) => {
  const away = await RedisServer.start()
  t.teardown(() => away.stop())
  const { instances } = await openService(t, away, [{ l1LeaseMs: 0 }])
  const { cache, breaker } = present(instances[0])
  const spec = freshSpec()
  await read(cache, spec, async () => 1)
  await away.stop()
  t.equal(await cache.confirm(spec), null)
  while (breaker.closed) await cache.confirm(spec)
  t.equal(cache.confirm(spec), null, 'the store is not asked again')
})

t.test('a copy without tags is never confirmed', async (t) => {
  const { caches } = await openService(t, server, [{ l1LeaseMs: 0 }])
  const cache = present(caches[0])
  const spec = freshSpec({ tags: [] })
  await read(cache, spec, async () => 1)
  t.equal(cache.confirm(spec), null)
})
