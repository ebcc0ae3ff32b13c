import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { NotFoundError } from '#http/errors.ts'
import { Trace } from '../../src/cache/read/trace.ts'
import { freshSpec, onBothStores, openService, present, read, Source } from '../support/caches.ts'
import { RedisServer } from '../support/redis.ts'
import { redisStore } from '../support/stores.ts'

const TTL_MS = 30
const EXPIRED_MS = 40

const gone = async (): Promise<string> => {
  throw new Error('the database is gone')
}
const REFUSED = { message: 'the database is gone' }

for (const l1LeaseMs of [0, 1000]) {
  await onBothStores(t, async (t, open) => {
    const { cache, logged } = await open(t, { l1LeaseMs })
    const expired = async (spec = freshSpec({ ttlMs: TTL_MS })) => {
      await cache.wrap(spec, async () => 'old')
      await sleep(EXPIRED_MS)
      return spec
    }

    await t.test(`lease ${l1LeaseMs}: an expired value is served as STALE while the load fails`, async (t) => {
      const spec = await expired()
      const { value, outcome, trace } = await read(cache, spec, gone)
      t.same([value, outcome, trace.hits, trace.misses], ['old', 'STALE', 0, 1])
      t.match(logged(), /stale/)
      const after = await read(cache, spec, async () => 'new')
      t.same([after.value, after.outcome], ['new', 'MISS'], 'only until the load succeeds')
    })

    await t.test(`lease ${l1LeaseMs}: a value that is still valid is an ordinary hit`, async (t) => {
      const spec = freshSpec()
      await cache.wrap(spec, async () => 'old')
      t.equal((await read(cache, spec, gone)).outcome, 'HIT')
    })

    await t.test(
      `lease ${l1LeaseMs}: an expired value is served for no longer than CACHE_STALE_IF_ERROR`,
      async (t) => {
        const { cache } = await open(t, { l1LeaseMs, staleIfErrorMs: 60 })
        const spec = freshSpec({ ttlMs: TTL_MS })
        await cache.wrap(spec, async () => 'old')
        await sleep(TTL_MS + 80)
        await t.rejects(cache.wrap(spec, gone), REFUSED)
      }
    )

    await t.test(`lease ${l1LeaseMs}: an invalidated value is not served`, async (t) => {
      const spec = await expired(freshSpec({ ttlMs: TTL_MS, tags: ['a', 'b'] }))
      await cache.invalidate(['b'])
      await t.rejects(cache.wrap(spec, gone), REFUSED)
    })

    await t.test(`lease ${l1LeaseMs}: a value invalidated during the load is not served`, async (t) => {
      const spec = await expired()
      const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const reader = cache.wrap(spec, async () => {
        started.resolve()
        await gate.promise
        return gone()
      })
      await started.promise
      await cache.invalidate(spec.tags)
      gate.resolve()
      await t.rejects(reader, REFUSED)
    })

    await t.test(`lease ${l1LeaseMs}: a cleared or deleted value is not served`, async (t) => {
      const [one, other] = [await expired(), await expired()]
      await cache.delete([one.key])
      await cache.clearPattern(other.key)
      await t.rejects(cache.wrap(one, gone), REFUSED)
      await t.rejects(cache.wrap(other, gone), REFUSED)
    })

    await t.test(`lease ${l1LeaseMs}: a strict value is not served`, async (t) => {
      const spec = await expired(freshSpec({ ttlMs: TTL_MS, strict: true }))
      await t.rejects(cache.wrap(spec, gone), REFUSED)
    })

    await t.test(`lease ${l1LeaseMs}: a deleted record is not served, as "not found" is an answer`, async (t) => {
      const spec = await expired()
      const trace = new Trace()
      const notFound = async (): Promise<string> => {
        throw new NotFoundError('course')
      }
      await t.rejects(cache.wrap(spec, notFound, trace), { message: 'course not found' })
      t.equal(trace.outcome, 'MISS')
    })
  })
}

t.test('a value invalidated by another process is not served, even if the message is lost', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  const settings = { l1LeaseMs: 30_000 }
  const { caches, prefix } = await openService(t, server, [settings, settings])
  const [a, b] = [present(caches[0]), present(caches[1])]
  // This cache sends no messages.
  const silent = await redisStore(t, server, prefix)
  const writers = [
    (tags: readonly string[]) => b.invalidate(tags),
    (tags: readonly string[]) => silent.renewStamps(tags)
  ]
  for (const invalidate of writers) {
    const source = new Source('old')
    const spec = freshSpec({ ttlMs: TTL_MS })
    await a.wrap(spec, source.load)
    await sleep(EXPIRED_MS)
    t.equal((await read(a, spec, gone)).outcome, 'STALE')
    await invalidate(spec.tags)
    await t.rejects(a.wrap(spec, gone), REFUSED)
  }
})
