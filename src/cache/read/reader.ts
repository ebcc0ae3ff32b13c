import { ApiError } from '#http/errors.ts'
import type { Entry } from '../entry.ts'
import type { CacheSpec } from '../keys.ts'
import type { Check, Copy } from '../l1/memory-tier.ts'
import { type Load, type Loaded, Loader, type LoaderOptions } from './loader.ts'
import { LookUp } from './look-up.ts'
import { SingleFlight } from './single-flight.ts'
import type { Trace } from './trace.ts'

/** While the store is not trusted, a loaded answer serves this long, so that a herd does not reach the database. */
const OUTAGE_LEASE_MS = 1000

export interface ReaderOptions extends LoaderOptions {
  /** How long a copy in this process answers without asking the store; 0 is strict. */
  readonly l1LeaseMs: number
  readonly staleIfErrorMs: number
}

/** The life of a read: a copy in this process, an entry in the store, a load under stamps taken before it. */
export class Reader {
  readonly lookUp: LookUp
  readonly loader: Loader
  readonly #options: ReaderOptions
  readonly #flights = new SingleFlight<Loaded>()

  constructor(options: ReaderOptions) {
    this.#options = options
    this.lookUp = new LookUp(options)
    this.loader = new Loader(options, this.lookUp)
  }

  /** As `Cache.peek` promises. */
  peek(spec: CacheSpec): Entry | null {
    const { tier, l1LeaseMs, breaker } = this.#options
    if (spec.strict || !breaker.closed) return null
    const copy = tier.get(spec.key)
    return copy !== undefined && tier.isTrusted(copy, l1LeaseMs) ? copy.entry : null
  }

  /** As `Cache.confirm` promises. */
  confirm(spec: CacheSpec): Promise<Entry | null> | null {
    const copy = this.#options.breaker.closed ? this.lookUp.copyToConfirm(spec) : undefined
    if (copy === undefined) return null
    return this.lookUp.confirm(spec, copy).then(
      (valid) => (valid ? copy.entry : null),
      () => null
    )
  }

  /** As `Cache.countHit` promises. */
  countHit(spec: CacheSpec, trace: Trace, tier: 'memoryHits' | 'storeHits' = 'memoryHits'): void {
    trace.hits++
    trace.outcome = 'HIT'
    this.#options.meter.of(spec.key)[tier]++
  }

  /** The entry, negative ones included. An error of `load` is thrown, unless a stale entry can be served. */
  async fetch(spec: CacheSpec, load: Load, trace: Trace): Promise<Entry> {
    const { tier, breaker, meter } = this.#options
    if (!breaker.closed) return this.#bypass(spec, load, trace)
    const check = tier.begin(spec.tags)
    let stamps: readonly string[]
    try {
      const current = await this.lookUp.find(spec, check)
      if ('entry' in current) {
        this.countHit(spec, trace, current.copied ? 'memoryHits' : 'storeHits')
        return current.entry
      }
      // The stamps are taken before the load: an entry whose load raced a write carries old ones, and is dead on arrival.
      stamps = await this.loader.takeStamps(spec.tags, current.stamps)
    } catch {
      return this.#bypass(spec, load, trace)
    }
    trace.misses++
    trace.outcome = 'MISS'
    meter.of(spec.key).misses++
    const copy = tier.get(spec.key)
    try {
      return await this.#loadUnder(stamps, spec, check, load)
    } catch (error) {
      return this.#staleOr(error, spec, copy, trace, (entry) => this.lookUp.isStillCurrent(entry).catch(() => false))
    }
  }

  /** The entry of a load under these stamps: a new one, or one that is under way. */
  async #loadUnder(stamps: readonly string[], spec: CacheSpec, check: Check, load: Load): Promise<Entry> {
    const flight = `${spec.key} ${spec.shape} ${stamps.join()}`
    const { entry } = await this.#flights.run(
      flight,
      () => this.loader.shared(flight, spec, stamps, check, load),
      // The key says the tags of the spec. Those that only the load could name may have been touched before we joined it.
      ({ entry }) => this.lookUp.isStillCurrent(entry, spec.tags.length).catch(() => false)
    )
    return entry
  }

  /**
   * Answers without the store: from a copy made within the last second, or from the database. Neither copies nor loads are
   * shared at lease 0, for what belongs to one user, or for the few reads that fail before the breaker opens: as long as the others
   * trust the store, only the store knows of their writes.
   */
  async #bypass(spec: CacheSpec, load: Load, trace: Trace): Promise<Entry> {
    const { tier, breaker, l1LeaseMs, meter } = this.#options
    const shared = !spec.strict && !breaker.closed && l1LeaseMs > 0
    trace.outcome = 'BYPASS'
    meter.of(spec.key).bypassed++
    const copy = tier.get(spec.key)
    if (shared && copy !== undefined && tier.isTrusted(copy, OUTAGE_LEASE_MS)) {
      trace.hits++
      return copy.entry
    }
    trace.misses++
    const check = tier.begin(spec.tags)
    try {
      if (!shared) return (await this.loader.alone(spec, check, load)).entry
      // There are no stamps: drops take their place, so that a read after a write of this process does not join an older load.
      const { entry } = await this.#flights.run(
        `${spec.key} bypass ${tier.lastDrop(check)}`,
        () => this.loader.aloneAndKept(spec, check, load),
        (loaded) => tier.isIntact(loaded.check)
      )
      return entry
    } catch (error) {
      return this.#staleOr(error, spec, copy, trace)
    }
  }

  /**
   * Stale-if-error (RFC 5861): an expired copy of public data when the database fails, never one that was invalidated, also not
   * while it was to be loaded anew. `isCurrent` tells what the store knows, where that is asked.
   */
  async #staleOr(
    error: unknown,
    spec: CacheSpec,
    copy: Copy | undefined,
    trace: Trace,
    isCurrent: (entry: Entry) => Promise<boolean> = async () => true
  ): Promise<Entry> {
    const { tier, staleIfErrorMs, meter, log } = this.#options
    if (error instanceof ApiError || spec.strict || copy === undefined) throw error
    if (performance.now() > copy.expiresAt + staleIfErrorMs) throw error
    if (!(await isCurrent(copy.entry)) || !tier.isIntact(copy.check)) throw error
    log.warn({ err: error }, 'served stale: the database does not answer')
    trace.outcome = 'STALE'
    meter.of(spec.key).stale++
    return copy.entry
  }
}
