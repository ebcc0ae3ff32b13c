import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { NotFoundError } from '#http/errors.ts'
import type { Cache } from '../../src/cache/cache.ts'
import type { Entry } from '../../src/cache/entry.ts'
import type { CacheSpec } from '../../src/cache/keys.ts'
import { Ticket } from '../../src/cache/read/ticket.ts'
import { Trace } from '../../src/cache/read/trace.ts'
import { freshSpec, onBothStores, openService, Source } from '../support/caches.ts'
import { RedisServer } from '../support/redis.ts'

const lookUp = async (cache: Cache, spec: CacheSpec) => cache.lookUp(spec, new Trace())

async function ticketFor(cache: Cache, spec: CacheSpec): Promise<Ticket> {
  const found = await lookUp(cache, spec)
  if (found instanceof Ticket) return found
  throw new Error(`${spec.key} was cached`)
}

async function entryOf(found: Entry | Ticket | Promise<Entry | Ticket>): Promise<Entry> {
  const entry = await found
  if (entry instanceof Ticket) throw new Error('a ticket, not an entry')
  return entry
}

/** Lets pending callbacks run, including answers of the local Redis. */
const settle = () => sleep(30)

await onBothStores(t, async (t, open) => {
  const { cache } = await open(t)

  await t.test('a miss returns a ticket, and the next look-up returns what it commits', async (t) => {
    const spec = freshSpec()
    const ticket = await ticketFor(cache, spec)
    const entry = await ticket.commit('text')
    t.equal(entry.value, 'text')
    const found = cache.lookUp(spec, new Trace())
    t.notOk(found instanceof Promise, 'an L1 hit needs no promise')
    t.equal((await entryOf(found)).etag, entry.etag)
  })

  await t.test('readers of the same key wait for the ticket, and get what it commits', async (t) => {
    const spec = freshSpec()
    const ticket = await ticketFor(cache, spec)
    const waiting = Array.from({ length: 20 }, () => lookUp(cache, spec))
    await settle()
    await ticket.commit('text')
    for (const found of await Promise.all(waiting)) t.equal((await entryOf(found)).value, 'text')
  })

  await t.test('a ticket abandoned without an error passes to one of the waiters', async (t) => {
    const spec = freshSpec()
    const ticket = await ticketFor(cache, spec)
    const waiting = Array.from({ length: 5 }, () => lookUp(cache, spec))
    await settle()
    ticket.abandon()
    const next = await Promise.race(waiting)
    if (!(next instanceof Ticket)) return t.fail('nobody got the ticket')
    await next.commit('text')
    const found = await Promise.all(waiting)
    t.equal(found.filter((one) => one instanceof Ticket).length, 1, 'one waiter loads, the others keep waiting')
  })

  await t.test('an error reaches the waiters, and the next reader loads', async (t) => {
    const spec = freshSpec()
    const ticket = await ticketFor(cache, spec)
    const waiting = lookUp(cache, spec)
    const rejected = t.rejects(waiting, { message: 'the load failed' })
    await settle()
    ticket.abandon(new Error('the load failed'))
    await rejected
    await (await ticketFor(cache, spec)).commit('text')
  })

  await t.test('a missing record is cached until it is written', async (t) => {
    const spec = freshSpec()
    const ticket = await ticketFor(cache, spec)
    t.equal((await ticket.missing('course')).etag, '')
    await t.rejects(
      cache.wrap(spec, async () => 'never loaded'),
      new NotFoundError('course')
    )
    await cache.invalidate(spec.tags)
    t.equal(await cache.wrap(spec, async () => 'there'), 'there')
  })

  await t.test('a commit after the ticket has ended stores nothing', async (t) => {
    const spec = freshSpec()
    const ticket = await ticketFor(cache, spec)
    ticket.abandon()
    t.equal((await ticket.commit('too late')).value, 'too late', 'the value can still answer the own caller')
    t.ok((await lookUp(cache, spec)) instanceof Ticket)
  })

  await t.test('a load that raced a write is neither cached nor joined', async (t) => {
    const spec = freshSpec()
    const ticket = await ticketFor(cache, spec)
    await cache.invalidate(spec.tags)
    const later = await ticketFor(cache, spec)
    await ticket.commit('old')
    await later.commit('new')
    t.equal((await entryOf(lookUp(cache, spec))).value, 'new')
  })

  await t.test('a ticket that is never ended abandons itself, and the next waiter loads', async (t) => {
    const { cache } = await open(t, { maxLoadMs: 100 })
    const spec = freshSpec()
    await ticketFor(cache, spec)
    // The timer of the deadline does not keep the process alive; this wait does.
    const [next] = await Promise.all([lookUp(cache, spec), sleep(300)])
    t.ok(next instanceof Ticket)
    if (next instanceof Ticket) next.abandon()
  })

  await t.test('a negative entry is not served in place of an error', async (t) => {
    const { cache, store } = await open(t, { l1LeaseMs: 0 })
    const spec = freshSpec({ tags: [] })
    await (await ticketFor(cache, spec)).missing('course')
    await store.delete([spec.key])
    t.equal(await (await ticketFor(cache, spec)).stale(new Error('the database is down')), null)
  })

  await t.test('a failed load may be answered by an expired copy, but never by an invalidated one', async (t) => {
    for (const written of [false, true]) {
      const spec = freshSpec({ ttlMs: 1 })
      await (await ticketFor(cache, spec)).commit('stale')
      await settle()
      if (written) await cache.invalidate(spec.tags)
      const ticket = await ticketFor(cache, spec)
      const stale = await ticket.stale(new Error('the database is down'))
      t.equal(stale?.value, written ? undefined : 'stale')
    }
  })
})

t.test('of two processes one gets the ticket, the other gets its entry', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  const { caches } = await openService(t, server, [{}, {}])
  const [a, b] = caches
  if (a === undefined || b === undefined) return t.fail('no caches')
  const spec = freshSpec()
  const source = new Source('text')
  const ticket = await ticketFor(a, spec)
  const waiting = lookUp(b, spec)
  await settle()
  await ticket.commit(await source.load())
  t.equal((await entryOf(waiting)).value, 'text')
})
