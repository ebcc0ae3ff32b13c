import { createEntry, createNegativeEntry, type Dependencies, type Entry, isNegative, isStamped } from '../entry.ts'
import { assertKey, type CacheSpec } from '../keys.ts'
import type { Check, MemoryTier } from '../l1/memory-tier.ts'
import type { CacheMeter } from '../meter.ts'
import type { Activity } from '../observe.ts'
import type { Flight, Loaded } from './flights.ts'
import type { Keeper } from './keeper.ts'
import type { ProcessLock } from './process-lock.ts'
import type { Trace } from './trace.ts'

/** What was taken before the load, and what happens with its result. */
export interface Terms {
  readonly spec: CacheSpec
  /** The stamps of the tags of the spec; null where the store is not asked. */
  readonly stamps: readonly string[] | null
  readonly check: Check
  /** Where the entry is kept: in the store and in this process, in this process only, or nowhere. */
  readonly keep: 'shared' | 'here' | 'nowhere'
  /** A ticket that nobody has ended for so long, in ms, abandons itself: others wait for its load. */
  readonly maxLoadMs: number
  readonly flight: Flight | null
  readonly lock: ProcessLock
  readonly trace: Trace
  /** A stale entry that may be served in place of this error, or null. */
  readonly staleFor: (error: unknown) => Promise<Entry | null>
}

interface Parts {
  readonly keeper: Keeper
  readonly tier: MemoryTier
  readonly meter: CacheMeter
}

/**
 * The right, and the duty, to load what was not cached: the second phase of a read. Whoever holds it ends it with `commit`, `missing`,
 * `abandon` or `stale`; the first of them counts. The stamps were taken before the load: an entry whose load raced a write
 * carries old ones, and is dead on arrival.
 */
export class Ticket {
  readonly #terms: Terms
  readonly #parts: Parts
  readonly #found: { tag: string; stamp: string | null }[] = []
  readonly #startedAt = performance.now()
  readonly #deadline: NodeJS.Timeout
  #check: Check
  #activity: Activity | undefined
  #ended = false

  constructor(terms: Terms, parts: Parts) {
    this.#terms = terms
    this.#parts = parts
    this.#check = terms.check
    this.#deadline = setTimeout(() => this.abandon(), terms.maxLoadMs).unref()
    parts.meter.of(terms.spec.key).loads++
  }

  /** The load is this activity, for who observes it. */
  observe(activity: Activity | undefined): void {
    this.#activity = activity
  }

  /** Runs what loads; without an observer it need not be run here. */
  run<T>(task: () => T): T {
    return this.#activity === undefined ? task() : this.#activity.run(task)
  }

  /** Somebody else has waited for this load: it goes on though the client that began it has hung up. */
  get isAwaited(): boolean {
    return this.#terms.flight?.isAwaited ?? false
  }

  /**
   * Names tags that only the load knows: await it before what they cover is read. What was read earlier may be old when the entry
   * is made.
   */
  async dependOn(tags: readonly string[]): Promise<void> {
    const { keeper, tier } = this.#parts
    for (const tag of tags) assertKey(tag)
    // Watched first: a drop while the store is asked counts.
    this.#check = tier.alsoWatch(this.#check, tags)
    const taken = this.#terms.stamps === null ? null : await keeper.takeStamps(tags).catch(() => null)
    this.#found.push(...tags.map((tag, i) => ({ tag, stamp: taken?.[i] ?? null })))
  }

  /** Makes an entry of the loaded text, keeps it, and hands it to everybody who waits. It never rejects. */
  commit(text: string): Promise<Entry> {
    return this.#land(createEntry(this.#terms.spec.shape, text, this.#dependencies()))
  }

  /** Remembers for a while that `what` does not exist. It never rejects. */
  missing(what: string): Promise<Entry> {
    return this.#land(createNegativeEntry(this.#terms.spec.shape, what, this.#dependencies()))
  }

  /** Gives the load up: an error reaches everybody who waits; without one, the next of them loads. */
  abandon(error?: unknown): void {
    if (!this.#end()) return
    const { flight, lock, spec } = this.#terms
    if (error !== undefined) this.#parts.meter.of(spec.key).loadErrors++
    flight?.abandon(error)
    void lock.release()
    this.#activity?.end(error === undefined ? 'abandoned' : 'failed')
  }

  /** Abandons the load; resolves to a stale entry that may be served in place of its error, or null. It never rejects. */
  stale(error: unknown): Promise<Entry | null> {
    this.abandon(error)
    return this.#terms.staleFor(error)
  }

  /** Of what the load has named by its end. A stamp that could not be taken makes an entry that cannot be kept. */
  #dependencies(): Dependencies {
    const { spec, stamps } = this.#terms
    const tags = [...spec.tags, ...this.#found.map(({ tag }) => tag)]
    const known = [...(stamps ?? []), ...this.#found.map(({ stamp }) => stamp)].filter((stamp) => stamp !== null)
    return { tags, stamps: known.length === tags.length ? known : [] }
  }

  async #land(entry: Entry): Promise<Entry> {
    if (!this.#end()) return entry
    const { flight, lock, trace } = this.#terms
    const loaded = { entry, check: this.#check }
    const start = performance.now()
    // In this order on one connection: where the lock is gone, the entry is there.
    await this.run(() => Promise.all([this.#keep(loaded), lock.release()]))
    trace.cacheMs += performance.now() - start
    flight?.land(loaded)
    this.#activity?.end(isNegative(entry) ? 'missing' : 'loaded')
    return entry
  }

  async #keep(loaded: Loaded): Promise<void> {
    const { spec, keep } = this.#terms
    const { keeper } = this.#parts
    if (keep === 'here') keeper.keepHere(spec, loaded)
    if (keep === 'shared' && isStamped(loaded.entry)) {
      await keeper.write(spec, loaded.entry, keeper.keepHere(spec, loaded))
    }
  }

  /** True for the first who ends the ticket. */
  #end(): boolean {
    if (this.#ended) return false
    this.#ended = true
    clearTimeout(this.#deadline)
    const { trace, spec } = this.#terms
    const ms = performance.now() - this.#startedAt
    trace.loadMs += ms
    this.#parts.meter.of(spec.key).loadMs += ms
    return true
  }
}
