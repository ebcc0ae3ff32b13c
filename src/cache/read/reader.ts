import { type Entry, isNegative } from '../entry.ts'
import type { CacheSpec } from '../keys.ts'
import type { Check, Copy } from '../l1/memory-tier.ts'
import type { LoadErrors } from '../load-errors.ts'
import { Flight, Flights } from './flights.ts'
import { Keeper, type KeeperOptions } from './keeper.ts'
import { lockOrFind, noLock } from './process-lock.ts'
import { Ticket, type TicketOptions } from './ticket.ts'
import type { Trace } from './trace.ts'
import { Validator } from './validator.ts'

/** How long a copy is served while the store is not trusted, so that the database is not overrun. */
const OUTAGE_LEASE_MS = 1000

export interface ReaderOptions extends KeeperOptions {
  /** How long a copy in this process is served without asking the store; 0 means never. */
  readonly l1LeaseMs: number
  readonly staleIfErrorMs: number
  readonly errors: LoadErrors
  /** How long others wait for one load, in ms, before they load for themselves. */
  readonly maxLoadMs: number
}

/**
 * The first phase of a read: finds a copy in this process, an entry in the store or a load in progress, or gives a
 * ticket.
 */
export class Reader {
  readonly validator: Validator
  readonly keeper: Keeper
  readonly #options: ReaderOptions
  readonly #flights = new Flights()

  constructor(options: ReaderOptions) {
    this.#options = options
    this.validator = new Validator(options)
    this.keeper = new Keeper(options)
  }

  /** See `Cache.peek`. */
  peek(spec: CacheSpec): Entry | null {
    const { tier, l1LeaseMs, breaker } = this.#options
    if (spec.strict || !breaker.closed) return null
    const copy = tier.get(spec.key)
    return copy !== undefined && tier.isTrusted(copy, l1LeaseMs) ? copy.entry : null
  }

  /** See `Cache.confirm`. */
  confirm(spec: CacheSpec): Promise<Entry | null> | null {
    const copy = this.#options.breaker.closed ? this.validator.copyToConfirm(spec) : undefined
    if (copy === undefined) return null
    return this.validator.confirm(spec, copy).then(
      (valid) => (valid ? copy.entry : null),
      () => null
    )
  }

  /** See `Cache.countHit`. */
  countHit(spec: CacheSpec, trace: Trace, tier: Trace['tier'] = 'l1'): void {
    trace.hits++
    trace.outcome = 'HIT'
    trace.tier = tier
    this.#options.meter.of(spec.key)[tier === 'l1' ? 'memoryHits' : 'storeHits']++
  }

  /** The entry, which may be negative, or a ticket. Rejects with the error of a load that it joined. */
  async lookUp(spec: CacheSpec, trace: Trace): Promise<Entry | Ticket> {
    const { tier, breaker, meter } = this.#options
    if (!breaker.closed) return this.#bypass(spec, trace)
    const check = tier.begin(spec.tags)
    let stamps: readonly string[]
    try {
      const current = await this.validator.find(spec, check)
      if ('entry' in current) {
        this.countHit(spec, trace, current.copied ? 'l1' : 'store')
        return current.entry
      }
      stamps = await this.keeper.takeStamps(spec.tags, current.stamps)
    } catch {
      return this.#bypass(spec, trace)
    }
    trace.misses++
    trace.outcome = 'MISS'
    meter.of(spec.key).misses++
    return this.#loadUnder(stamps, spec, check, trace)
  }

  /** The entry of a load in progress under these stamps, in this or another process, or a ticket. */
  async #loadUnder(stamps: readonly string[], spec: CacheSpec, check: Check, trace: Trace): Promise<Entry | Ticket> {
    const copy = this.#options.tier.get(spec.key)
    const staleFor = (error: unknown) =>
      this.#staleFor(error, spec, copy, trace, (entry) => this.validator.isStillCurrent(entry).catch(() => false))
    const name = `${spec.key} ${spec.shape} ${stamps.join()}`
    const joined = await this.#join(
      name,
      // The name covers the tags of the spec. Tags found during the load may have been touched before we joined it.
      ({ entry }) => this.validator.isStillCurrent(entry, spec.tags.length).catch(() => false),
      staleFor
    )
    if (!(joined instanceof Flight)) return joined
    try {
      const outcome = spec.authoritative
        ? { lock: noLock }
        : await lockOrFind(this.#options.store, name, () => this.validator.valid(spec))
      if ('lock' in outcome) {
        return this.#ticket({
          spec,
          stamps,
          check,
          keep: spec.authoritative ? 'here' : 'shared',
          flight: joined,
          lock: outcome.lock,
          trace,
          staleFor
        })
      }
      joined.land({ entry: outcome.found, check })
      return outcome.found
    } catch (error) {
      joined.abandon()
      throw error
    }
  }

  /**
   * Reads without the store: from a copy made within the last second, or by a load. Neither is shared at lease 0, for
   * data of one user, or for the few reads that fail before the breaker opens: while other instances still trust the
   * store, only the store knows about their writes.
   */
  async #bypass(spec: CacheSpec, trace: Trace): Promise<Entry | Ticket> {
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
    const staleFor = (error: unknown) => this.#staleFor(error, spec, copy, trace)
    const options = { spec, stamps: null, check, lock: noLock, trace, staleFor }
    if (!shared) return this.#ticket({ ...options, keep: 'nowhere', flight: null })
    // Drops take the place of stamps, so that a read after a write of this process does not join an older load.
    const joined = await this.#join(
      `${spec.key} bypass ${tier.lastDrop(check)}`,
      (loaded) => tier.isIntact(loaded.check),
      staleFor
    )
    return joined instanceof Flight ? this.#ticket({ ...options, keep: 'here', flight: joined }) : joined
  }

  /** The entry of the flight in progress, a stale entry if that flight fails, or a new flight. */
  async #join(
    name: string,
    isUsable: Parameters<Flights['join']>[1],
    staleFor: TicketOptions['staleFor']
  ): Promise<Entry | Flight> {
    try {
      const joined = await this.#flights.join(name, isUsable)
      return joined instanceof Flight ? joined : joined.entry
    } catch (error) {
      const stale = await staleFor(error)
      if (stale === null) throw error
      return stale
    }
  }

  #ticket(options: Omit<TicketOptions, 'maxLoadMs'>): Ticket {
    const { tier, meter, maxLoadMs } = this.#options
    return new Ticket({ ...options, maxLoadMs }, { keeper: this.keeper, tier, meter })
  }

  /**
   * Stale-if-error (RFC 5861): an expired copy of public data when the database fails. It is never one that was
   * invalidated, not even during the failed load. `isCurrent` asks the store about that, unless the store is bypassed.
   */
  async #staleFor(
    error: unknown,
    spec: CacheSpec,
    copy: Copy | undefined,
    trace: Trace,
    isCurrent: (entry: Entry) => Promise<boolean> = async () => true
  ): Promise<Entry | null> {
    const { tier, staleIfErrorMs, meter, log, errors } = this.#options
    if (errors.isAnswer(error) || spec.strict || copy === undefined || isNegative(copy.entry)) return null
    if (performance.now() > copy.expiresAt + staleIfErrorMs) return null
    if (!(await isCurrent(copy.entry)) || !tier.isIntact(copy.check)) return null
    log.warn({ err: error }, 'served stale: the database cannot answer now')
    trace.outcome = 'STALE'
    meter.of(spec.key).stale++
    return copy.entry
  }
}
