import { createEntry, createNegativeEntry, type Dependencies, type Entry, isNegative, isStamped } from '../entry.ts'
import { assertKey, type CacheSpec } from '../keys.ts'
import type { Check, MemoryTier } from '../l1/memory-tier.ts'
import type { CacheMeter } from '../meter.ts'
import type { Activity } from '../observe.ts'
import type { Flight, Loaded } from './flights.ts'
import type { Keeper } from './keeper.ts'
import type { ProcessLock } from './process-lock.ts'
import type { Trace } from './trace.ts'

/** What was taken before the load, and what to do with its result. */
export interface TicketOptions {
  readonly spec: CacheSpec
  /** The stamps of the spec's tags; null if the store is bypassed. */
  readonly stamps: readonly string[] | null
  readonly check: Check
  /** Where to keep the entry: in the store and this process, in this process only, or nowhere. */
  readonly keep: 'shared' | 'here' | 'nowhere'
  /** After this many ms, a ticket that was not ended abandons itself, because others wait for its load. */
  readonly maxLoadMs: number
  readonly flight: Flight | null
  readonly lock: ProcessLock
  readonly trace: Trace
  /** A stale entry that may be served instead of this error, or null. */
  readonly staleFor: (error: unknown) => Promise<Entry | null>
}

interface TicketParts {
  readonly keeper: Keeper
  readonly tier: MemoryTier
  readonly meter: CacheMeter
}

/**
 * The right, and the duty, to load a value that was not cached: the second phase of a read. Its holder ends it with
 * `commit`, `missing`, `abandon` or `stale`; only the first call counts. The stamps were taken before the load, so an
 * entry whose load raced with a write carries old stamps and is never served.
 */
export class Ticket {
  readonly #options: TicketOptions
  readonly #parts: TicketParts
  readonly #found: { tag: string; stamp: string | null }[] = []
  readonly #startedAt = performance.now()
  readonly #deadline: NodeJS.Timeout
  #check: Check
  #activity: Activity | undefined
  #ended = false

  constructor(options: TicketOptions, parts: TicketParts) {
    this.#options = options
    this.#parts = parts
    this.#check = options.check
    this.#deadline = setTimeout(() => this.abandon(), options.maxLoadMs).unref()
    parts.meter.of(options.spec.key).loads++
  }

  /** Sets the activity that observes this load. */
  observe(activity: Activity | undefined): void {
    this.#activity = activity
  }

  /** Runs the load as part of its activity. */
  run<T>(task: () => T): T {
    return this.#activity === undefined ? task() : this.#activity.run(task)
  }

  /** True if others have joined this load: it then goes on even if the client that began it has hung up. */
  get isAwaited(): boolean {
    return this.#options.flight?.isAwaited ?? false
  }

  /**
   * Adds tags that are only known during the load. Await it before reading the data that they cover: data read earlier
   * may already be stale when the entry is stored.
   */
  async dependOn(tags: readonly string[]): Promise<void> {
    const { keeper, tier } = this.#parts
    for (const tag of tags) assertKey(tag)
    // Watch them first, so that a drop while the store is asked counts.
    this.#check = tier.alsoWatch(this.#check, tags)
    const taken = this.#options.stamps === null ? null : await keeper.takeStamps(tags).catch(() => null)
    this.#found.push(...tags.map((tag, i) => ({ tag, stamp: taken?.[i] ?? null })))
  }

  /** Makes an entry from the loaded text, stores it, and passes it to all who wait. It never rejects. */
  commit(text: string): Promise<Entry> {
    return this.#land(createEntry(this.#options.spec.shape, text, this.#dependencies()))
  }

  /** Caches briefly that `what` does not exist. It never rejects. */
  missing(what: string): Promise<Entry> {
    return this.#land(createNegativeEntry(this.#options.spec.shape, what, this.#dependencies()))
  }

  /** Gives up the load. Passes an error to all who wait; without one, the next of them loads. */
  abandon(error?: unknown): void {
    if (!this.#end()) return
    const { flight, lock, spec } = this.#options
    if (error !== undefined) this.#parts.meter.of(spec.key).loadErrors++
    flight?.abandon(error)
    void lock.release()
    this.#activity?.end(error === undefined ? 'abandoned' : 'failed')
  }

  /**
   * Abandons the load; resolves to a stale entry that may be served instead of its error, or null. It never rejects.
   */
  stale(error: unknown): Promise<Entry | null> {
    this.abandon(error)
    return this.#options.staleFor(error)
  }

  /** The tags and stamps at the end of the load. If a stamp is unknown there are none, and the entry is not stored. */
  #dependencies(): Dependencies {
    const { spec, stamps } = this.#options
    const tags = [...spec.tags, ...this.#found.map(({ tag }) => tag)]
    const known = [...(stamps ?? []), ...this.#found.map(({ stamp }) => stamp)].filter((stamp) => stamp !== null)
    return { tags, stamps: known.length === tags.length ? known : [] }
  }

  async #land(entry: Entry): Promise<Entry> {
    if (!this.#end()) return entry
    const { flight, lock, trace } = this.#options
    const loaded = { entry, check: this.#check }
    const start = performance.now()
    // One connection keeps this order: once the lock is released, the entry is there.
    await this.run(() => Promise.all([this.#keep(loaded), lock.release()]))
    trace.cacheMs += performance.now() - start
    flight?.land(loaded)
    this.#activity?.end(isNegative(entry) ? 'missing' : 'loaded')
    return entry
  }

  async #keep(loaded: Loaded): Promise<void> {
    const { spec, keep } = this.#options
    const { keeper } = this.#parts
    if (keep === 'here') keeper.keepHere(spec, loaded)
    if (keep === 'shared' && isStamped(loaded.entry)) {
      await keeper.write(spec, loaded.entry, keeper.keepHere(spec, loaded))
    }
  }

  /** True for the first call only. */
  #end(): boolean {
    if (this.#ended) return false
    this.#ended = true
    clearTimeout(this.#deadline)
    const { trace, spec } = this.#options
    const ms = performance.now() - this.#startedAt
    trace.loadMs += ms
    this.#parts.meter.of(spec.key).loadMs += ms
    return true
  }
}
