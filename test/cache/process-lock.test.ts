import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { createEntry, decodeEntry, type Entry, encodeEntry } from '../../src/cache/entry.ts'
import { lockOrFind } from '../../src/cache/read/process-lock.ts'
import type { Store } from '../../src/cache/store/store.ts'
import { timed } from '../support/eventually.ts'
import { RedisServer } from '../support/redis.ts'
import { redisStore } from '../support/stores.ts'

const LONG_MS = 60_000
/** How long a crashed process may block others. */
const PATIENCE_MS = 2000
const SLACK_MS = 500

const server = await RedisServer.start()
t.teardown(() => server.stop())

async function loadOnce(store: Store, name: string, find: () => Promise<Entry | null>, load: () => Promise<Entry>) {
  const outcome = await lockOrFind(store, name, find)
  if ('found' in outcome) return outcome.found
  try {
    return await load()
  } finally {
    await outcome.lock.release()
  }
}

/** Two processes that want the same key, which neither has cached. */
async function twoProcesses(t: Test, redis = server) {
  const key = `course:${randomUUID()}`
  const stores = await Promise.all([redisStore(t, redis, 'school'), redisStore(t, redis, 'school')])
  const lookUp = (store: Store) => async (): Promise<Entry | null> => {
    const stored = await store.get(key)
    return stored === null ? null : decodeEntry(stored.text)
  }
  const loads: Store[] = []
  const load = (store: Store, during: () => Promise<void>) => async (): Promise<Entry> => {
    loads.push(store)
    await during()
    const entry = createEntry('test', `made by load ${loads.length}`)
    await store.set(key, encodeEntry(entry), LONG_MS).catch(() => {})
    return entry
  }
  const wanted = (store: Store, during = async () => {}) => loadOnce(store, key, lookUp(store), load(store, during))
  return { key, stores, loads, wanted }
}

t.test('two processes that want a key at once load it once', async (t) => {
  const { stores, loads, wanted } = await twoProcesses(t)
  const calls = Array.from({ length: 10 }, () => stores.map((store) => wanted(store)))
  const entries = await Promise.all(calls.flat())
  t.equal(loads.length, 1)
  for (const { value } of entries) t.equal(value, 'made by load 1')
  // A process may come too late to wait, and too early to see the new entry.
  t.equal((await wanted(stores[1])).value, 'made by load 1')
})

t.test('a process that comes during a load waits for it', async (t) => {
  const { stores, loads, wanted } = await twoProcesses(t)
  const [one, other] = stores
  const gate = Promise.withResolvers<void>()
  const started = Promise.withResolvers<void>()
  const first = wanted(one, () => {
    started.resolve()
    return gate.promise
  })
  await started.promise
  const second = wanted(other)
  setTimeout(gate.resolve, 100)
  t.equal((await second).value, 'made by load 1')
  t.equal((await first).value, 'made by load 1')
  t.same(loads, [one])
})

t.test('a failed load frees the lock, and the other process loads at once', async (t) => {
  const { stores, loads, wanted } = await twoProcesses(t)
  const [one, other] = stores
  const fail = async () => {
    throw new Error('the database is gone')
  }
  await t.rejects(wanted(one, fail), { message: 'the database is gone' })
  const [entry, ms] = await timed(() => wanted(other))
  t.equal(entry.value, 'made by load 2')
  t.equal(loads.length, 2)
  t.ok(ms < SLACK_MS, `${ms} ms`)
})

t.test('a process that crashes during a load, or is very slow, blocks others for at most two seconds', async (t) => {
  // The lock of a crashed process expires; that of a slow one does not while others wait.
  const lockTimes = [PATIENCE_MS, LONG_MS]
  const waits = lockTimes.map(async (lockMs) => {
    const { key, stores, loads, wanted } = await twoProcesses(t)
    const [holder, other] = stores
    t.equal(await holder.lock(key, lockMs), true)
    const [entries, ms] = await timed(() => Promise.all([wanted(other), wanted(other), wanted(other)]))
    t.ok(loads.length >= 1 && entries.every(({ value }) => value.startsWith('made by load')))
    t.ok(ms < PATIENCE_MS + SLACK_MS, `${ms} ms`)
  })
  await Promise.all(waits)
})

t.test('a store that fails during the wait costs a load, not an error', async (t) => {
  const fragile = await RedisServer.start()
  t.teardown(() => fragile.stop())
  const { stores, loads, wanted } = await twoProcesses(t, fragile)
  const [one, other] = stores
  const started = Promise.withResolvers<void>()
  const first = wanted(one, async () => {
    started.resolve()
    await fragile.kill()
  })
  await started.promise
  const [entries, ms] = await timed(() => Promise.all([first, wanted(other)]))
  t.ok(entries.every(({ value }) => value.startsWith('made by load')))
  t.same(new Set(loads), new Set([one, other]))
  t.ok(ms < PATIENCE_MS, `${ms} ms`)
})
