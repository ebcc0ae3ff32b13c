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

/** How long an invalidation that failed waits for the store to be trusted again before it gives up. */
const INVALIDATION_PATIENCE_MS = 500
/** How many tags go out in one pipeline and one message: few enough to be answered within the time that a command has. */
const TAGS_AT_ONCE = MAX_TAGS

/** Names tags that only the load knows: await it before what they cover is read (`Ticket.dependOn`). */
export type DependOn = (tags: readonly string[]) => Promise<void>

/** Loads a value, as text. */
export type Load = (dependOn: DependOn) => Promise<string>

export interface CacheOptions extends ReaderOptions {
  readonly messages: Messages
  /** False while the store is not known to be the one of this database: another may be read by other processes. */
  readonly bound: () => boolean
  /** The keys that are an entity's own: removed from the store when its tag is invalidated, as operators expect. */
  readonly ownKeys: (tag: string) => readonly string[]
  /** Told what the cache does, for traces. */
  readonly observer?: Observer | null
}

/**
 * The coherent cache: cache-aside in two tiers, with stamps. With a lease of 0, a read that starts after `invalidate`
 * has resolved never returns what was loaded before; otherwise it may in other processes, for the lease at most.
 */
export class Cache {
  readonly #options: CacheOptions
  readonly #reader: Reader

  constructor(options: CacheOptions) {
    this.#options = options
    this.#reader = new Reader(options)
  }

  /** False while the store is not asked, and reads go to the database. */
  get trusted(): boolean {
    return this.#options.breaker.closed
  }

  /** The entry, when a copy in this process may answer alone; else null, and `fetch` is to be asked. Who uses it calls `countHit`. */
  peek(spec: CacheSpec): Entry | null {
    return this.#reader.peek(spec)
  }

  /**
   * The entry, when there is a copy in this process and the store says that it is valid; resolves to null when it does not, or does
   * not answer, and `fetch` is to be asked. Null at once where there is nothing to ask for. Who uses it calls `countHit`.
   */
  confirm(spec: CacheSpec): Promise<Entry | null> | null {
    return this.#reader.confirm(spec)
  }

  /** A request was answered with what `peek` or `confirm` found. */
  countHit(spec: CacheSpec, trace: Trace): void {
    this.#reader.countHit(spec, trace)
  }

  /**
   * The first phase of a read: the entry (at once, when a copy in this process may answer alone; negative ones included), or a
   * ticket, which says that the caller has to load, and end the ticket. It rejects with the error of a load that was joined.
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
   * Both phases in one: the entry for `spec`, cached or made of the text that `load` resolves to. An error that says that something
   * is missing is remembered for a while, as a negative entry, and thrown; another error reaches every waiter, unless a
   * stale entry can be served.
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

  /** The value for `spec`, from the cache or from `load`. It must survive JSON. */
  async wrap<T>(spec: CacheSpec, load: (dependOn: DependOn) => Promise<T>, trace?: Trace): Promise<T> {
    const entry = await this.fetch(spec, async (dependOn) => JSON.stringify(await load(dependOn)), trace)
    return JSON.parse(entry.value)
  }

  /** The cached value, or null; nothing is loaded. */
  async get<T>(spec: CacheSpec): Promise<T | null> {
    if (!this.#options.breaker.closed) return null
    const entry = await this.#reader.validator.valid(spec).catch(() => null)
    return entry === null || isNegative(entry) ? null : JSON.parse(entry.value)
  }

  /**
   * Keeps a value that is written in place. Throws `RangeError` for one with tags: nobody could tell whether it was read
   * before or after the last write. Such a value comes in through `wrap`, which takes the stamps first.
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

  /** Removes entries by their keys, in all instances; resolves to how many the store had. */
  async delete(keys: readonly string[]): Promise<number> {
    const { store, tier, breaker, messages } = this.#options
    const deleted = await breaker.run(() => store.delete(keys))
    tier.delete(keys)
    // A key has no character that means something in a pattern.
    await Promise.all(keys.map((clear) => messages.publish({ clear })))
    return deleted
  }

  /**
   * Makes every entry with one of these tags invalid, whatever their number, and removes the entities' own keys.
   * Resolves when the store has acknowledged; rejects when it has not, and is not trusted from then on until the
   * invalidations of the outbox have reached it.
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
    // First of all in this process: what it has just written it must not read old, whatever happens to the store.
    tier.drop(tags)
    const trusted = breaker.closed
    try {
      // Trusted by us or not: other instances may trust it, and read there.
      if (!this.#options.bound()) throw new Error('the cache store is not known to be the one of this database')
      await Promise.all([this.renewStamps(tags), this.#deleteOwnKeys(tags)])
    } catch (error) {
      breaker.open(error)
      // A store that stumbled is worth a moment: other instances still trust it, and would read what is old.
      if (trusted) await Promise.race([breaker.probe(), sleep(INVALIDATION_PATIENCE_MS)])
      if (!breaker.closed) throw error
      await Promise.all([this.renewStamps(tags), this.#deleteOwnKeys(tags)])
    }
    log.debug({ tags }, 'cache invalidate')
  }

  /** Makes every entry with one of these tags invalid, in the store and in all instances, trusted or not. */
  async renewStamps(tags: readonly string[]): Promise<void> {
    const { store, messages, tier } = this.#options
    for (let start = 0; start < tags.length; start += TAGS_AT_ONCE) {
      const some = tags.slice(start, start + TAGS_AT_ONCE)
      // Sent at once, so in this order: whoever hears the message finds the new stamps.
      await Promise.all([store.renewStamps(some), messages.publish({ tags: some })])
      // Once more: what was read between our drop and the new stamp is old.
      tier.drop(some)
    }
  }

  /** The entities' own keys, which operators expect to be gone. Their entries are invalid already. */
  async #deleteOwnKeys(tags: readonly string[]): Promise<void> {
    const keys = tags.flatMap(this.#options.ownKeys)
    for (let start = 0; start < keys.length; start += TAGS_AT_ONCE) {
      await this.#options.store.delete(keys.slice(start, start + TAGS_AT_ONCE))
    }
  }

  /**
   * Removes the cached data whose keys match a Redis glob, as `course:*`, in all instances, which log `by` whom; resolves to their
   * number. Throws `RangeError` for a pattern longer than 512 characters, as no key is.
   */
  async clearPattern(pattern: string, progress?: Progress, by?: string): Promise<number> {
    assertPattern(pattern)
    const { store, tier, messages, log } = this.#options
    const deleted = await deleteMatching(store, pattern, progress)
    // After the store: a copy made before is gone, and one made after is not of what was deleted.
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

/** Of a miss that is not to be loaded somebody else has made the entry meanwhile. */
function resultOfLookUp(found: Entry | Ticket, { outcome, tier }: Trace): string {
  if (outcome === 'HIT') return tier
  return outcome === 'MISS' && !(found instanceof Ticket) ? 'joined' : outcome.toLowerCase()
}
