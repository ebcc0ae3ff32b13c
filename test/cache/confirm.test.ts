import t from 'tap'
import { Trace } from '../../src/cache/trace.ts'
import { freshSpec, openService, present, read, Source } from '../support/caches.ts'
import { RedisServer } from '../support/redis.ts'

const server = await RedisServer.start()
t.teardown(() => server.stop())

t.test('a copy is confirmed by the stamps of the store, as of the moment it is asked', async (t) => {
  const { caches } = await openService(t, server, [{ l1LeaseMs: 0 }, { l1LeaseMs: 0 }])
  const [a, b] = [present(caches[0]), present(caches[1])]
  const source = new Source(1)
  const spec = freshSpec()
  t.equal(a.confirm(spec, new Trace()), null, 'there is nothing to confirm')
  await read(a, spec, source.load)

  const trace = new Trace()
  t.match(await a.confirm(spec, trace), { value: '1' })
  t.match(trace, { outcome: 'HIT', hits: 1, misses: 0 })

  source.value = 2
  await b.invalidate(spec.tags)
  const late = new Trace()
  t.equal(await a.confirm(spec, late), null, 'another process has written')
  t.match(late, { hits: 0, misses: 0 }, 'the read is counted by who does it then')
  t.match(await read(a, spec, source.load), { value: 2, outcome: 'MISS' })
  t.match(await a.confirm(spec, new Trace()), { value: '2' })
})

t.test('what is confirmed has its lease anew', async (t) => {
  const { caches } = await openService(t, server, [{ l1LeaseMs: 30_000 }])
  const cache = present(caches[0])
  const spec = freshSpec()
  await read(cache, spec, async () => 1)
  t.ok(await cache.confirm(spec, new Trace()))
  t.match(cache.peek(spec, new Trace()), { value: '1' })
})

t.test('a copy that turned out to be old does not push out a newer one', async (t) => {
  const { caches } = await openService(t, server, [{ l1LeaseMs: 30_000 }, {}])
  const [a, b] = [present(caches[0]), present(caches[1])]
  const source = new Source(1)
  const spec = freshSpec()
  await read(a, spec, source.load)
  source.value = 2
  await b.invalidate(spec.tags)
  const old = a.confirm(spec, new Trace())
  const [, fresh] = await Promise.all([old, read(a, spec, source.load)])
  t.equal(fresh.value, 2)
  t.match(await a.confirm(spec, new Trace()), { value: '2' })
})

t.test('nothing is confirmed by a store that does not answer', async (t) => {
  const away = await RedisServer.start()
  t.teardown(() => away.stop())
  const { instances } = await openService(t, away, [{ l1LeaseMs: 0 }])
  const { cache, breaker } = present(instances[0])
  const spec = freshSpec()
  await read(cache, spec, async () => 1)
  await away.stop()
  t.equal(await cache.confirm(spec, new Trace()), null)
  while (breaker.closed) await cache.confirm(spec, new Trace())
  t.equal(cache.confirm(spec, new Trace()), null, 'and it is not asked any more')
})
