import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { NotFoundError } from '#http/errors.ts'
import { cutSubscriptions, freshSpec, openService, present, read, Source } from '../support/caches.ts'
import { until } from '../support/eventually.ts'
import { RedisServer } from '../support/redis.ts'
import { redisStore } from '../support/stores.ts'

/** Long enough that a write seen earlier must have come by message. */
const LONG_LEASE = { l1LeaseMs: 30_000 }
const STRICT = { l1LeaseMs: 0 }
/** The time in which a message arrives on a busy machine. */
const MESSAGE_MS = 1000

const server = await RedisServer.start()
t.teardown(() => server.stop())

/** The first caches of a new service. */
async function processes(t: Parameters<typeof openService>[0], settings: object) {
  const service = await openService(t, server, [settings, settings, settings])
  const [a, b, c] = service.caches
  return { ...service, a: present(a), b: present(b), c: present(c) }
}

t.test('a hundred readers in three processes share one load', async (t) => {
  const { caches } = await processes(t, STRICT)
  const source = new Source(1)
  const spec = freshSpec()
  const reads = Array.from({ length: 34 }, () => caches.map((cache) => read(cache, spec, source.load)))
  t.ok((await Promise.all(reads.flat())).every(({ value }) => value === 1))
  t.equal(source.loads, 1)
})

t.test('a process serves what another has loaded or not found', async (t) => {
  const { a, b } = await processes(t, LONG_LEASE)
  const [spec, missing] = [freshSpec(), freshSpec()]
  await a.wrap(spec, async () => 'loaded by a')
  const { value, outcome } = await read(b, spec, async () => 'loaded by b')
  t.same([value, outcome], ['loaded by a', 'HIT'])
  const notFound = async (): Promise<number> => {
    throw new NotFoundError('course')
  }
  await t.rejects(a.wrap(missing, notFound), { message: 'course not found' })
  const there = new Source(1)
  await t.rejects(b.wrap(missing, there.load), { message: 'course not found' })
  t.equal(there.loads, 0)
})

t.test('with a lease of 0 every process sees a write once it is acknowledged', async (t) => {
  const { caches } = await processes(t, STRICT)
  const source = new Source(0)
  const spec = freshSpec()
  const late: string[] = []
  for (let i = 1; i <= 100; i++) {
    source.value = i
    await present(caches[i % caches.length]).invalidate(spec.tags)
    const values = await Promise.all(caches.map((cache) => cache.wrap(spec, source.load)))
    if (values.some((value) => value !== i)) late.push(`${values} after ${i}`)
  }
  t.same(late, [])
})

t.test('the writing process sees its write at once, whatever the lease', async (t) => {
  const { a, b } = await processes(t, LONG_LEASE)
  const source = new Source(0)
  const spec = freshSpec()
  for (let i = 1; i <= 50; i++) {
    source.value = i
    const [writer, other] = i % 2 ? [a, b] : [b, a]
    await writer.invalidate(spec.tags)
    t.equal(await writer.wrap(spec, source.load), i)
    await other.wrap(spec, source.load)
  }
})

t.test('other processes see a write by message, before the lease ends', async (t) => {
  const { a, b, c } = await processes(t, LONG_LEASE)
  const source = new Source('old')
  const specs = [freshSpec(), freshSpec({ tags: ['courses', 'categories'] })]
  const reads = () => [b, c].flatMap((cache) => specs.map((spec) => read(cache, spec, source.load)))
  await Promise.all(reads())
  await sleep(20)
  for (const { outcome, trace } of await Promise.all(reads())) t.same([outcome, trace.hits], ['HIT', 1])
  source.value = 'new'
  await a.invalidate(specs.flatMap(({ tags }) => tags))
  const ms = await until(async () => (await Promise.all(reads())).every(({ value }) => value === 'new'), 5000)
  t.ok(ms < MESSAGE_MS, `${ms} ms`)
})

t.test('a strict entry is fresh everywhere at once, whatever the lease, without a message', async (t) => {
  const { b, c, prefix } = await processes(t, LONG_LEASE)
  const store = await redisStore(t, server, prefix)
  const source = new Source(0)
  const spec = freshSpec({ strict: true })
  for (let i = 1; i <= 50; i++) {
    source.value = i
    await store.renewStamps(spec.tags)
    t.same(await Promise.all([b, c].map((cache) => cache.wrap(spec, source.load))), [i, i])
  }
})

t.test('a lost message delays a write by at most the lease', async (t) => {
  const lease = 400
  const { b, prefix } = await processes(t, { l1LeaseMs: lease })
  // What a process does when its messages are lost.
  const store = await redisStore(t, server, prefix)
  const source = new Source('old')
  const spec = freshSpec()
  for (let i = 0; i < 2; i++) await b.wrap(spec, source.load)
  source.value = 'new'
  await store.renewStamps(spec.tags)
  const ms = await until(async () => (await b.wrap(spec, source.load)) === 'new', 5000)
  t.ok(ms < lease + 250, `${ms} ms`)
})

t.test('while subscriptions keep breaking, no process is late by more than the lease', async (t) => {
  const lease = 500
  const { a, b, redis } = await processes(t, { l1LeaseMs: lease })
  const source = new Source(0)
  const spec = freshSpec()
  const late: number[] = []
  for (let i = 1; i <= 30; i++) {
    await b.wrap(spec, source.load)
    source.value = i
    if (i % 3 !== 0) await cutSubscriptions(redis)
    await a.invalidate(spec.tags)
    if (i % 3 !== 1) await cutSubscriptions(redis)
    late.push(await until(async () => (await b.wrap(spec, source.load)) === i, 5000))
  }
  t.ok(Math.max(...late) < lease + 250, `${Math.max(...late)} ms`)
})

t.test('after a subscription breaks, older copies are not trusted, however long the lease', async (t) => {
  const { b, prefix, redis } = await processes(t, LONG_LEASE)
  const store = await redisStore(t, server, prefix)
  const source = new Source('old')
  const spec = freshSpec()
  await b.wrap(spec, source.load)
  await sleep(20)
  await b.wrap(spec, source.load)
  source.value = 'new'
  await store.renewStamps(spec.tags)
  await cutSubscriptions(redis)
  const ms = await until(async () => (await b.wrap(spec, source.load)) === 'new', 5000)
  t.ok(ms < MESSAGE_MS, `${ms} ms`)
})

t.test('messages arrive again after the subscriptions are restored', async (t) => {
  const { a, b, redis, prefix } = await processes(t, LONG_LEASE)
  await cutSubscriptions(redis)
  const channel = `${prefix}:invalidations`
  await until(async () => (await redis.pubsub('NUMSUB', channel))[1] === 3, 5000)
  const source = new Source('old')
  const spec = freshSpec()
  await b.wrap(spec, source.load)
  await sleep(20)
  await b.wrap(spec, source.load)
  source.value = 'new'
  await a.invalidate(spec.tags)
  const ms = await until(async () => (await b.wrap(spec, source.load)) === 'new', 5000)
  t.ok(ms < MESSAGE_MS, `${ms} ms`)
})

t.test('foreign messages on the channel are ignored', async (t) => {
  const { b, redis, prefix, instances } = await processes(t, LONG_LEASE)
  const spec = freshSpec()
  await b.wrap(spec, async () => 1)
  const garbage = ['', 'x', '{}', '[]', 'null', '"text"', '{"from":1}', '{"from":"x","tags":"course:1"}']
  const odd = ['[z-a]', '[', '\\', '*'.repeat(1000)].map((clear) => JSON.stringify({ from: 'x', clear }))
  for (const text of [...garbage, ...odd]) await redis.publish(`${prefix}:invalidations`, text)
  const lines = () => instances[1]?.logged().match(/not an invalidation message/g)?.length ?? 0
  await until(() => lines() > 0, 1000)
  t.equal((await read(b, spec, async () => 2)).value, 1)
  t.equal(lines(), 1, 'one log line in total, not one per message')
})
