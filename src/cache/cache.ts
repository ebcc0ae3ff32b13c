import { setTimeout as sleep } from 'node:timers/promises'
import { createEntry, type Entry, isNegative } from './entry.ts'
import { countMatching, deleteMatching, type Progress } from './invalidation/clearing.ts'
import { MAX_TAGS, type Messages } from './invalidation/messages.ts'
import { assertKey, type CacheSpec } from './keys.ts'
import { type Activity, type Observer, observed } from './observe.ts'
import { Reader, type ReaderOptions } from './read/reader.ts'
import { Ticket } from './read/ticket.ts'
import { Trace } from './read/trace.ts'
import { assertPattern } from './store/glob.ts'

/** How long a failed invalidation waits for the store to be trusted again before it gives up. */
const INVALIDATION_RETRY_WINDOW_MS = 500
/** How many tags share one pipeline and one message: few enough to finish within the command timeout. */
const TAGS_AT_ONCE = MAX_TAGS

/**
 * Adds tags that are only known during the load: await it before reading the data that they cover (`Ticket.dependOn`).
 */
export type DependOn = (tags: readonly string[]) => Promise<void>

/** Loads a value, as text. */
export type Load = (dependOn: DependOn) => Promise<string>

export interface CacheOptions extends ReaderOptions {
  readonly messages: Messages
  /** False until the store is known to belong to this database: other processes may be reading another store. */
  readonly bound: () => boolean
  /** An entity's own keys. They are removed from the store when its tag is invalidated, as operators expect. */
  readonly ownKeys: (tag: string) => readonly string[]
  /** Notified of what the cache does, for tracing. */
  readonly observer?: Observer | null
}

/**
 * The coherent cache: cache-aside in two tiers, with stamps. With a lease of 0, a read that starts after `invalidate`
 * has resolved never returns an older value. With a longer lease, other processes may return one until the lease ends.
 */
export class Cache {
  readonly #options: CacheOptions
  readonly #reader: Reader

  constructor(options: CacheOptions) {
    this.#options = options
    this.#reader = new Reader(options)
  }

  /** False while the store is bypassed and reads go to the database. */
  get trusted(): boolean {
    return this.#options.breaker.closed
  }

  /**
   * The entry, if a copy in this process is within its lease; otherwise null: call `fetch`. If you use it, call
   * `countHit`.
   */
  peek(spec: CacheSpec): Entry | null {
    return this.#reader.peek(spec)
  }

  /**
   * The entry, if there is a copy in this process and the store confirms that it is valid. Returns null when there is
   * no such copy, and resolves to null when the store does not confirm it or does not answer: call `fetch` then. If you
   * use it, call `countHit`.
   */
  confirm(spec: CacheSpec): Promise<Entry | null> | null {
    return this.#reader.confirm(spec)
  }

  /** Counts a request that was answered with the result of `peek` or `confirm`. */
  countHit(spec: CacheSpec, trace: Trace): void {
    this.#reader.countHit(spec, trace)
  }

  /**
   * The first phase of a read: the entry, which may be negative (synchronously, if a copy in this process is within its
   * lease), or a ticket: the caller then has to load the value and end the ticket. Rejects with the error of the load
   * if it joined one.
   */
  lookUp(spec: CacheSpec, trace: Trace): Entry | Promise<Entry | Ticket> {
    const activity = this.#options.observer?.lookUp(spec.key)
    const copy = this.peek(spec)
    if (copy === null) return this.#askStore(spec, trace, activity)
    this.countHit(spec, trace)
    activity?.end(trace.tier)
    return copy
  }

  async #askStore(spec: CacheSpec, trace: Trace, activity: Activity | undefined): Promise<Entry | Ticket> {
    assertKey(spec.key)
    const start = performance.now()
    const resultOf = (found: Entry | Ticket) => resultOfLookUp(found, trace)
    try {
      const found = await observed(activity, () => this.#reader.lookUp(spec, trace), resultOf)
      if (found instanceof Ticket) found.observe(this.#options.observer?.load(spec.key))
      return found
    } finally {
      trace.cacheMs += performance.now() - start
      this.#options.log.debug({ key: spec.key, outcome: trace.outcome }, 'cache read')
    }
  }

  /**
   * Both phases in one: the entry for `spec`, from the cache or from the text that `load` resolves to. A "not found"
   * error is cached briefly as a negative entry, and thrown; any other error is thrown to all waiters, unless a stale
   * entry can be served.
   */
  async fetch(spec: CacheSpec, load: Load, trace = new Trace()): Promise<Entry> {
    const found = await this.lookUp(spec, trace)
    const entry = found instanceof Ticket ? await this.#load(found, load) : found
    if (isNegative(entry)) throw this.#options.errors.notFound(entry.value)
    return entry
  }

  async #load(ticket: Ticket, load: Load): Promise<Entry> {
    let text: string
    try {
      text = await ticket.run(() => load((tags) => ticket.dependOn(tags)))
    } catch (error) {
      const what = this.#options.errors.missing(error)
      if (what !== null) await ticket.missing(what)
      const stale = what === null ? await ticket.stale(error) : null
      if (stale === null) throw error
      return stale
    }
    return ticket.commit(text)
  }

  /** The value for `spec`, from the cache or from `load`. It must survive a round trip through JSON. */
  async wrap<T>(spec: CacheSpec, load: (dependOn: DependOn) => Promise<T>, trace?: Trace): Promise<T> {
    const entry = await this.fetch(spec, async (dependOn) => JSON.stringify(await load(dependOn)), trace)
    return JSON.parse(entry.value)
  }

  /** The cached value, or null; it never loads. */
  async get<T>(spec: CacheSpec): Promise<T | null> {
    if (!this.#options.breaker.closed) return null
    const entry = await this.#reader.validator.valid(spec).catch(() => null)
    return entry === null || isNegative(entry) ? null : JSON.parse(entry.value)
  }

  /**
   * Stores a value directly. Throws `RangeError` if the spec has tags: the value might have been read before the last
   * write. Use `wrap` for those: it takes the stamps before it loads.
   */
  async set<T>(spec: CacheSpec, value: T): Promise<void> {
    if (spec.tags.length > 0) throw new RangeError(`${spec.key} has tags: use wrap`)
    assertKey(spec.key)
    const { tier } = this.#options
    const entry = createEntry(spec.shape, JSON.stringify(value))
    const ttlMs = this.#reader.keeper.ttl(spec)
    await this.#reader.keeper.write(spec, entry, ttlMs)
    tier.keep(spec.key, entry, tier.begin([]), performance.now() + ttlMs)
  }

  /** Removes entries by key, on all instances; resolves to the number removed from the store. */
  async delete(keys: readonly string[]): Promise<number> {
    const { store, tier, breaker, messages } = this.#options
    const deleted = await breaker.run(() => store.delete(keys))
    tier.delete(keys)
    // A key contains no special characters, so it is also a pattern that matches only itself.
    await Promise.all(keys.map((clear) => messages.publish({ clear })))
    return deleted
  }

  /**
   * Invalidates every entry with one of these tags, however many there are, and removes the entities' own keys.
   * Resolves once the store has acknowledged this. If it does not, this rejects, and the store is not trusted again
   * until the invalidations in the outbox have reached it.
   */
  async invalidate(tags: readonly string[]): Promise<void> {
    const activity = this.#options.observer?.invalidate(tags.length)
    await observed(
      activity,
      () => this.#invalidate(tags),
      () => 'acknowledged'
    )
  }

  async #invalidate(tags: readonly string[]): Promise<void> {
    const { tier, breaker, meter, log } = this.#options
    meter.invalidations++
    meter.invalidatedTags += tags.length
    // This process first: it must not read stale data after its own write, whatever happens to the store.
    tier.drop(tags)
    const trusted = breaker.closed
    try {
      // Even if we do not trust the store: other instances may, and read from it.
      if (!this.#options.bound()) throw new Error('the cache store is not known to belong to this database')
      await Promise.all([this.renewStamps(tags), this.#deleteOwnKeys(tags)])
    } catch (error) {
      breaker.open(error)
      // Wait briefly for the store to recover: other instances still trust it, and would read stale data.
      if (trusted) await Promise.race([breaker.probe(), sleep(INVALIDATION_RETRY_WINDOW_MS)])
      if (!breaker.closed) throw error
      await Promise.all([this.renewStamps(tags), this.#deleteOwnKeys(tags)])
    }
    log.debug({ tags }, 'cache invalidate')
  }

  /**
   * Invalidates every entry with one of these tags, in the store and on all instances, even if the store is not
   * trusted.
   */
  async renewStamps(tags: readonly string[]): Promise<void> {
    const { store, messages, tier } = this.#options
    for (let start = 0; start < tags.length; start += TAGS_AT_ONCE) {
      const some = tags.slice(start, start + TAGS_AT_ONCE)
      // Both are sent in the same turn, so in this order: an instance that gets the message finds the new stamps.
      await Promise.all([store.renewStamps(some), messages.publish({ tags: some })])
      // Drop again: a read between our first drop and the new stamps may be stale.
      tier.drop(some)
    }
  }

  /** The entries are invalid already; operators expect the entities' own keys to disappear, too. */
  async #deleteOwnKeys(tags: readonly string[]): Promise<void> {
    const keys = tags.flatMap(this.#options.ownKeys)
    for (let start = 0; start < keys.length; start += TAGS_AT_ONCE) {
      await this.#options.store.delete(keys.slice(start, start + TAGS_AT_ONCE))
    }
  }

  /**
   * Removes the cached data whose keys match a Redis glob such as `course:*`, on all instances; resolves to the number
   * of keys. The instances log who did it (`by`). Throws `RangeError` for a pattern longer than 512 characters, the
   * maximum length of a key.
   */
  async clearPattern(pattern: string, progress?: Progress, by?: string): Promise<number> {
    assertPattern(pattern)
    const { store, tier, messages, log } = this.#options
    const deleted = await deleteMatching(store, pattern, progress)
    // After the store: this removes copies of deleted entries, and no later copy can be of one.
    tier.deleteMatching(pattern)
    await messages.publish({ clear: pattern, ...(by !== undefined && { by }) })
    log.debug({ pattern, deleted }, 'cache cleared by pattern')
    return deleted
  }

  /** How many keys `clearPattern` would remove. */
  async countPattern(pattern: string, progress?: Progress): Promise<number> {
    assertPattern(pattern)
    return countMatching(this.#options.store, pattern, progress)
  }
}

/** For traces. A miss without a ticket joined the load of another caller. */
function resultOfLookUp(found: Entry | Ticket, { outcome, tier }: Trace): string {
  if (outcome === 'HIT') return tier
  return outcome === 'MISS' && !(found instanceof Ticket) ? 'joined' : outcome.toLowerCase()
}
