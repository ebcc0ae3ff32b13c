import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { NotFoundError } from '#http/errors.ts'
import type { Cache, DependOn } from '../../src/cache/cache.ts'
import type { CacheSpec } from '../../src/cache/keys.ts'
import { freshSpec, onBothStores, openService, present, read, type Settings, Source } from '../support/caches.ts'
import { until } from '../support/eventually.ts'
import { RedisServer } from '../support/redis.ts'

/** Long enough that a change seen earlier must have come by message. */
const LONG_LEASE_MS = 30_000
const LEASES = [0, LONG_LEASE_MS]

/** A page that shows the name of a user who is known only to its load. */
function page(name: Source<string>, tags?: string[]) {
  const spec = freshSpec(tags && { tags })
  const tag = `${spec.key}:name`
  const load = async (dependOn: DependOn) => {
    await dependOn([tag])
    return name.load()
  }
  return { spec, tag, load }
}

/** A load that pauses after it has read the name, or before it calls `dependOn`. */
function gated(name: Source<string>, tag: string) {
  const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const stop = async () => {
    started.resolve()
    await gate.promise
  }
  const afterwards = async (dependOn: DependOn) => {
    await dependOn([tag])
    const value = await name.load()
    await stop()
    return value
  }
  const before = async (dependOn: DependOn) => {
    await stop()
    await dependOn([tag])
    return name.load()
  }
  return { afterwards, before, started: started.promise, finish: gate.resolve }
}

const outcomes = async (
  cache: Cache,
  spec: CacheSpec,
  load: (dependOn: DependOn) => Promise<string>,
  times: number
) => {
  const seen: string[] = []
  for (let i = 0; i < times; i++) {
    const { value, outcome } = await read(cache, spec, load)
    seen.push(`${value} ${outcome}`)
  }
  return seen
}

for (const l1LeaseMs of LEASES) {
  await onBothStores(t, async (t, open) => {
    const { cache, tier } = await open(t, { l1LeaseMs })

    await t.test(
      `lease ${l1LeaseMs}: invalidating a tag of the load makes a miss, like a tag of the spec`,
      async (t) => {
        for (const tags of [undefined, []]) {
          const name = new Source('old')
          const { spec, tag, load } = page(name, tags)
          t.same(await outcomes(cache, spec, load, 3), ['old MISS', 'old HIT', 'old HIT'])
          name.value = 'new'
          await cache.invalidate([tag])
          t.same(await outcomes(cache, spec, load, 2), ['new MISS', 'new HIT'])
          await cache.invalidate(['somebody:else'])
          t.same(await outcomes(cache, spec, load, 1), ['new HIT'])
        }
      }
    )

    await t.test(`lease ${l1LeaseMs}: so does it when only the store has the entry`, async (t) => {
      const name = new Source('old')
      const { spec, tag, load } = page(name)
      await read(cache, spec, load)
      const forget = () => tier.delete([spec.key])
      forget()
      t.same(await outcomes(cache, spec, load, 2), ['old HIT', 'old HIT'])
      name.value = 'new'
      forget()
      await cache.invalidate([tag])
      t.equal(await cache.get(spec), null)
      t.same(await outcomes(cache, spec, load, 2), ['new MISS', 'new HIT'])
    })

    await t.test(
      `lease ${l1LeaseMs}: an invalidation during the load is not missed, at any point of the load`,
      async (t) => {
        for (const when of ['before', 'afterwards'] as const) {
          const name = new Source('old')
          const { spec, tag, load } = page(name)
          const racing = gated(name, tag)
          const reader = read(cache, spec, racing[when])
          await racing.started
          name.value = 'new'
          await cache.invalidate([tag])
          racing.finish()
          t.equal((await reader).value, when === 'before' ? 'new' : 'old', 'it began before the write')
          t.equal((await read(cache, spec, load)).value, 'new', when)
          t.equal((await read(cache, spec, load)).outcome, 'HIT', when)
        }
      }
    )

    await t.test(
      `lease ${l1LeaseMs}: a reader after the invalidation does not get a load from before it`,
      async (t) => {
        const name = new Source('old')
        const { spec, tag, load } = page(name)
        const racing = gated(name, tag)
        const early = read(cache, spec, racing.afterwards)
        await racing.started
        const joined = read(cache, spec, load)
        await sleep(20)
        name.value = 'new'
        await cache.invalidate([tag])
        // The stamps of the spec are the same for all readers, so they share a flight.
        const late = Array.from({ length: 10 }, () => read(cache, spec, load))
        await sleep(20)
        racing.finish()
        t.equal((await early).value, 'old')
        for (const { value } of await Promise.all(late)) t.equal(value, 'new')
        await joined
        t.equal(name.loads, 2, 'the later readers share one load')
        t.equal((await read(cache, spec, load)).value, 'new')
      }
    )

    await t.test(`lease ${l1LeaseMs}: concurrent readers still share one load`, async (t) => {
      const name = new Source('old')
      const { spec, load } = page(name)
      await Promise.all(Array.from({ length: 50 }, () => read(cache, spec, load)))
      t.equal(name.loads, 1)
    })

    await t.test(`lease ${l1LeaseMs}: a negative entry depends on the tags of the load too`, async (t) => {
      const { spec, tag } = page(new Source(''))
      let calls = 0
      const missing = async (dependOn: DependOn): Promise<string> => {
        calls++
        await dependOn([tag])
        throw new NotFoundError('course')
      }
      for (let i = 0; i < 2; i++) await t.rejects(cache.wrap(spec, missing), { message: 'course not found' })
      t.equal(calls, 1)
      await cache.invalidate([tag])
      await t.rejects(cache.wrap(spec, missing), { message: 'course not found' })
      t.equal(calls, 2)
    })

    await t.test(
      `lease ${l1LeaseMs}: stale-if-error serves nothing past an invalidation of a tag of the load`,
      async (t) => {
        const gone = async (): Promise<string> => {
          throw new Error('the database is gone')
        }
        const name = new Source('old')
        const { spec, tag, load } = page(name)
        const short = { ...spec, ttlMs: 30 }
        await cache.wrap(short, load)
        await sleep(40)
        t.equal((await read(cache, short, gone)).outcome, 'STALE')
        await cache.invalidate([tag])
        await t.rejects(cache.wrap(short, gone), { message: 'the database is gone' })
      }
    )

    await t.test(`lease ${l1LeaseMs}: an invalid tag is refused`, async (t) => {
      const spec = freshSpec()
      const load = async (dependOn: DependOn) => {
        await dependOn(['user:1 name,'])
        return ''
      }
      await t.rejects(cache.wrap(spec, load), RangeError)
    })
  })
}

t.test('tags of the load, over several processes', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  const pair = async (settings: Settings) => {
    const { instances, caches, redis, prefix } = await openService(t, server, [settings, settings])
    return { a: present(caches[0]), b: present(caches[1]), instances, redis, prefix }
  }

  for (const l1LeaseMs of LEASES) {
    await t.test(`lease ${l1LeaseMs}: another process hears of the invalidation`, async (t) => {
      const { a, b } = await pair({ l1LeaseMs })
      const name = new Source('old')
      const { spec, tag, load } = page(name)
      t.same([await a.wrap(spec, load), (await read(b, spec, load)).outcome], ['old', 'HIT'])
      name.value = 'new'
      await b.invalidate([tag])
      t.equal(await b.wrap(spec, load), 'new')
      const ms = await until(async () => (await a.wrap(spec, load)) === 'new', 5000)
      t.ok(ms < 1000, `${ms} ms`)
    })

    await t.test(
      `lease ${l1LeaseMs}: readers in either process see an invalidation by the process that does not load`,
      async (t) => {
        const { a, b } = await pair({ l1LeaseMs })
        const name = new Source('old')
        const { spec, tag, load } = page(name)
        const racing = gated(name, tag)
        const early = a.wrap(spec, racing.afterwards)
        await racing.started
        name.value = 'new'
        await b.invalidate([tag])
        const late = [read(a, spec, load), read(b, spec, load)]
        await sleep(20)
        racing.finish()
        t.equal(await early, 'old')
        for (const { value } of await Promise.all(late)) t.equal(value, 'new')
        for (const cache of [a, b]) t.equal((await read(cache, spec, load)).value, 'new')
      }
    )
  }

  await t.test('lease 0: a copy is confirmed against all its tags in one round trip', async (t) => {
    const { a, b, instances } = await pair({ l1LeaseMs: 0 })
    const name = new Source('old')
    const { spec, tag, load } = page(name)
    await a.wrap(spec, load)
    const { meter } = present(instances[0])
    const asked = meter.storeAnswers
    t.match(await a.confirm(spec), { value: '"old"' })
    t.equal((await read(a, spec, load)).outcome, 'HIT')
    t.equal(meter.storeAnswers - asked, 2, 'one round trip per read')
    name.value = 'new'
    await b.invalidate([tag])
    t.equal(await a.confirm(spec), null)
    t.equal(await a.wrap(spec, load), 'new')
  })

  await t.test('an evicted stamp of a tag of the load costs a load', async (t) => {
    const { a, redis, prefix } = await pair({ l1LeaseMs: 0 })
    const name = new Source('old')
    const { spec, tag, load } = page(name)
    await a.wrap(spec, load)
    await redis.del(`${prefix}:tag:${tag}`)
    t.same(await outcomes(a, spec, load, 2), ['old MISS', 'old HIT'])
    t.ok((await redis.pttl(`${prefix}:tag:${tag}`)) > 3_600_000, 'the new stamp outlives the entry')
  })
})

t.test('Redis fails while a page is loaded', async (t) => {
  for (const l1LeaseMs of [0, 1000]) {
    const server = await RedisServer.start()
    t.teardown(() => server.stop())
    const { caches, instances } = await openService(t, server, [{ l1LeaseMs }])
    const cache = present(caches[0])
    const { tier } = present(instances[0])
    const name = new Source('old')
    const { spec, tag, load } = page(name)
    const racing = gated(name, tag)
    const reader = read(cache, spec, racing.before)
    await racing.started
    await server.kill()
    racing.finish()
    const { value, outcome } = await reader
    t.same([value, outcome], ['old', 'MISS'], 'the load still answers')
    t.equal(tier.get(spec.key), undefined, 'it is not cached, as its validity cannot be checked')
    await until(() => !cache.trusted, 2000)

    await t.test(`lease ${l1LeaseMs}: without Redis, a process reads its own writes`, async (t) => {
      const other = page(name)
      t.equal((await read(cache, other.spec, other.load)).outcome, 'BYPASS')
      name.value = 'new'
      await t.rejects(cache.invalidate([other.tag]))
      t.equal((await read(cache, other.spec, other.load)).value, 'new')
      t.equal((await read(cache, other.spec, other.load)).value, 'new')
    })

    await t.test(
      `lease ${l1LeaseMs}: without Redis, a reader after a write does not get a load from before it`,
      async (t) => {
        const other = page(name)
        name.value = 'old'
        const racing = gated(name, other.tag)
        const early = read(cache, other.spec, racing.afterwards)
        await racing.started
        name.value = 'new'
        await t.rejects(cache.invalidate([other.tag]))
        const late = [read(cache, other.spec, other.load), read(cache, other.spec, other.load)]
        await sleep(20)
        racing.finish()
        t.equal((await early).value, 'old')
        for (const { value } of await Promise.all(late)) t.equal(value, 'new')
        t.equal((await read(cache, other.spec, other.load)).value, 'new')
      }
    )

    await server.resume()
    await until(() => cache.trusted, 5000)
    t.same(await outcomes(cache, spec, load, 2), ['new MISS', 'new HIT'], 'Redis is used again')
    name.value = 'old'
  }
})
