import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { NotFoundError } from '#http/errors.ts'
import { cacheOn, freshSpec, openService, present, read, Source } from '../support/caches.ts'
import { timed, until } from '../support/eventually.ts'
import { RedisServer } from '../support/redis.ts'

/** How long one answer from the database is shared. */
const MICRO_CACHE_MS = 1000
/** The longest read while Redis comes and goes, and the longest read without Redis. */
const BOUND_MS = 700
const AT_ONCE_MS = 240
const TRUSTED_AGAIN_MS = 3000

t.test('Redis is killed and restarted', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  const { instances, caches } = await openService(t, server, [{}, {}])
  const [a, b] = [present(caches[0]), present(caches[1])]
  const before = freshSpec()
  await a.wrap(before, async () => 'cached')

  // A background reader records the slowest read.
  const watched = freshSpec({ strict: true })
  let [slowest, watching] = [0, true]
  const watcher = (async () => {
    while (watching) {
      const [, ms] = await timed(() => a.wrap(watched, async () => 1))
      slowest = Math.max(slowest, ms)
      await sleep(1)
    }
  })()
  await server.kill()

  await t.test('reads are answered from the database at once, as BYPASS', async (t) => {
    await until(() => !a.trusted, BOUND_MS)
    for (const cache of [a, b]) {
      const [answer, ms] = await timed(() => read(cache, before, async () => 'loaded'))
      t.same([answer.value, answer.outcome], ['loaded', 'BYPASS'])
      t.ok(ms < BOUND_MS, `${ms} ms`)
    }
    const notFound = async (): Promise<string> => {
      throw new NotFoundError('course')
    }
    await t.rejects(a.wrap(freshSpec(), notFound), { message: 'course not found' })
    const broken = async () => Promise.reject(new Error('broken'))
    await t.rejects(a.wrap(freshSpec(), broken), { message: 'broken' })
  })

  await t.test('concurrent readers share one load, as do the readers of the next second', async (t) => {
    const source = new Source(1)
    const spec = freshSpec()
    const [answers, ms] = await timed(() => Promise.all(Array.from({ length: 100 }, () => read(a, spec, source.load))))
    t.ok(answers.every(({ value, outcome }) => value === 1 && outcome === 'BYPASS'))
    t.ok(ms < AT_ONCE_MS, `${ms} ms`)
    const { outcome, trace } = await read(a, spec, source.load)
    t.same([source.loads, outcome, trace.hits, trace.misses], [1, 'BYPASS', 1, 0])
    await sleep(MICRO_CACHE_MS + 20)
    source.value = 2
    t.equal((await read(a, spec, source.load)).value, 2)
  })

  await t.test('strict entries are loaded for each reader', async (t) => {
    const source = new Source(1)
    const spec = freshSpec({ strict: true })
    await Promise.all(Array.from({ length: 5 }, () => read(a, spec, source.load)))
    t.equal(source.loads, 5)
  })

  await t.test('an invalidation fails soon, and the process still reads its own writes at once', async (t) => {
    const source = new Source('old')
    const spec = freshSpec()
    await read(a, spec, source.load)
    const racing = source.gated()
    const [other] = [freshSpec({ tags: spec.tags })]
    const early = a.wrap(other, racing.load)
    await racing.started
    source.value = 'new'
    const [, ms] = await timed(() => t.rejects(a.invalidate(spec.tags)))
    t.ok(ms < BOUND_MS, `${ms} ms`)
    t.equal((await read(a, spec, source.load)).value, 'new')
    t.equal((await read(a, other, source.load)).value, 'new', 'the reader does not join an earlier load')
    racing.finish()
    await early
    t.equal((await read(a, other, source.load)).value, 'new')
  })

  await t.test('other processes see the write after the lease at the latest', async (t) => {
    const source = new Source('old')
    const spec = freshSpec()
    await read(b, spec, source.load)
    source.value = 'new'
    await t.rejects(a.invalidate(spec.tags))
    const ms = await until(async () => (await b.wrap(spec, source.load)) === 'new', 5000)
    t.ok(ms < MICRO_CACHE_MS + 300, `${ms} ms`)
  })

  await t.test('get finds no value without tags, and set is not an error', async (t) => {
    const spec = freshSpec({ tags: [] })
    const [, ms] = await timed(() => a.set(spec, 1))
    t.ok(ms < BOUND_MS, `${ms} ms`)
    t.equal(await a.get(spec), null)
  })

  await t.test('commands of operators fail instead of reporting success', async (t) => {
    await t.rejects(a.delete([before.key]))
    await t.rejects(a.clearPattern('*'))
  })

  await t.test('once Redis is back the cache uses it again, without a restart', async (t) => {
    await server.resume()
    const ms = await until(() => a.trusted && b.trusted, TRUSTED_AGAIN_MS)
    t.ok(ms < TRUSTED_AGAIN_MS, `${ms} ms`)
    const source = new Source(1)
    const spec = freshSpec()
    const outcomes = [
      await read(a, spec, source.load),
      await read(a, spec, source.load),
      await read(b, spec, source.load)
    ]
    t.same(
      outcomes.map(({ outcome }) => outcome),
      ['MISS', 'HIT', 'HIT']
    )
    source.value = 2
    await b.invalidate(spec.tags)
    await until(async () => (await a.wrap(spec, source.load)) === 2, MICRO_CACHE_MS + 300)
  })

  watching = false
  await watcher
  t.ok(slowest < BOUND_MS, `the slowest answer took ${slowest} ms`)
  for (const { logged } of instances) t.equal(logged().match(/not trusted:/g)?.length, 1, 'one log line per outage')
})

t.test('with a lease of 0, writes of other processes are seen at once even during an outage', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  const { caches } = await openService(t, server, [{ l1LeaseMs: 0 }, { l1LeaseMs: 0 }])
  const [a, b] = [present(caches[0]), present(caches[1])]
  await server.kill()
  await until(() => !a.trusted && !b.trusted, BOUND_MS)
  const source = new Source('old')
  const spec = freshSpec()
  await a.wrap(spec, source.load)
  source.value = 'new'
  // The write is acknowledged anyway: the outbox keeps its tags.
  await t.rejects(b.invalidate(spec.tags))
  t.equal(await a.wrap(spec, source.load), 'new')
})

t.test('a service that starts before Redis answers requests, and uses Redis once it is up', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  await server.kill()
  const { cache } = cacheOn(t, server.url, 'late')
  const spec = freshSpec()
  const [answer, ms] = await timed(() => read(cache, spec, async () => 1))
  t.same([answer.value, answer.outcome], [1, 'BYPASS'])
  t.ok(ms < AT_ONCE_MS, `${ms} ms`)
  await server.resume()
  await until(() => cache.trusted, TRUSTED_AGAIN_MS)
  await read(cache, spec, async () => 2)
  t.equal((await read(cache, spec, async () => 3)).outcome, 'HIT')
})
