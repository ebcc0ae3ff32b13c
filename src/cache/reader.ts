import { ApiError, NotFoundError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Breaker } from './breaker.ts'
import { createEntry, createNegativeEntry, decodeEntry, type Entry, encodeEntry, isNegative, isValid } from './entry.ts'
import type { CacheSpec } from './keys.ts'
import type { Check, Copy, MemoryTier } from './memory-tier.ts'
import type { CacheMeter } from './meter.ts'
import { loadOnce } from './shared-load.ts'
import { SingleFlight } from './single-flight.ts'
import type { Store } from './store.ts'
import type { Trace } from './trace.ts'

/** TTLs are shortened by up to this share, at random, so that entries made together do not expire together. */
const TTL_JITTER = 0.05
const NEGATIVE_TTL_MS = 30_000
/** While the store is not trusted, a loaded answer serves this long, so that a herd does not reach the database. */
const OUTAGE_LEASE_MS = 1000
const WARN_EVERY_MS = 60_000

export interface ReaderOptions {
  readonly store: Store
  readonly breaker: Breaker
  readonly tier: MemoryTier
  readonly defaultTtlMs: number
  /** How long a copy in this process answers without asking the store; 0 is strict. */
  readonly l1LeaseMs: number
  readonly maxEntryBytes: number
  readonly staleIfErrorMs: number
  readonly meter: CacheMeter
  readonly log: Log
}

type Load = () => Promise<string>

/** What the store says of a key now: that there is a valid entry, and whether a copy of this process is it; or the current stamps. */
type Current = { readonly entry: Entry; readonly copied: boolean } | { readonly stamps: readonly (string | null)[] }

/** The life of a read: a copy in this process, an entry in the store, a load under stamps taken before it. */
export class Reader {
  readonly #options: ReaderOptions
  readonly #flights = new SingleFlight<Entry>()
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor(options: ReaderOptions) {
    this.#options = options
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
    const { tier, breaker } = this.#options
    const copy = breaker.closed ? this.#copyToConfirm(spec, performance.now()) : undefined
    if (copy === undefined) return null
    return this.#isConfirmed(spec, copy, tier.begin(spec.tags)).then(
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
    const { tier, breaker, store, meter } = this.#options
    if (!breaker.closed) return this.#bypass(spec, load, trace)
    const check = tier.begin(spec.tags)
    let stamps: readonly string[]
    try {
      const current = await this.#check(spec, check)
      if ('entry' in current) {
        this.countHit(spec, trace, current.copied ? 'memoryHits' : 'storeHits')
        return current.entry
      }
      // The stamps are taken before the load: an entry whose load raced a write carries old ones, and is dead on arrival.
      stamps = await breaker.run(() => completed(store, spec.tags, current.stamps))
    } catch {
      return this.#bypass(spec, load, trace)
    }
    trace.misses++
    trace.outcome = 'MISS'
    meter.of(spec.key).misses++
    const copy = tier.get(spec.key)
    const flight = `${spec.key} ${stamps.join()}`
    try {
      return await this.#flights.run(flight, () => this.#loadShared(flight, spec, stamps, check, load))
    } catch (error) {
      return this.#staleOr(error, spec, copy !== undefined && isValid(copy.entry, stamps) ? copy : undefined, trace)
    }
  }

  /** The valid entry, by the copy of this process where only stamps need be asked for, or the current stamps. */
  async #check(spec: CacheSpec, check: Check): Promise<Current> {
    const { tier, store, breaker } = this.#options
    const doubts = breaker.doubts
    const copy = this.#copyToConfirm(spec, check.at)
    if (copy !== undefined && (await this.#isConfirmed(spec, copy, check))) return { entry: copy.entry, copied: true }
    const [stored, stamps] = await breaker.run(() => Promise.all([store.get(spec.key), store.stamps(spec.tags)]))
    this.#requireNoDoubt(doubts)
    const entry = stored === null ? null : decodeEntry(stored.text)
    if (stored === null || entry === null || !isValid(entry, stamps)) return { stamps }
    tier.keep(spec.key, entry, check, check.at + stored.ttlMs)
    return { entry, copied: false }
  }

  /** The copy of this process for which only stamps need be asked; without tags there is nothing that they could say. */
  #copyToConfirm({ key, tags }: CacheSpec, now: number): Copy | undefined {
    const { tier } = this.#options
    const copy = tags.length > 0 ? tier.get(key) : undefined
    return copy !== undefined && now < copy.expiresAt && tier.isIntact(copy) ? copy : undefined
  }

  /** True when the store has the stamps of the copy, which is then checked anew. */
  async #isConfirmed(spec: CacheSpec, copy: Copy, check: Check): Promise<boolean> {
    const { tier, store, breaker } = this.#options
    const doubts = breaker.doubts
    const stamps = await breaker.run(() => store.stamps(spec.tags))
    this.#requireNoDoubt(doubts)
    if (!isValid(copy.entry, stamps)) {
      tier.discard(spec.key, copy)
      return false
    }
    tier.keep(spec.key, copy.entry, check, copy.expiresAt)
    return true
  }

  /** Throws when the store was doubted since: another server may have answered, which does not know of the last writes. */
  #requireNoDoubt(since: number): void {
    if (this.#options.breaker.doubts !== since) throw new Error('the store was doubted while it was asked')
  }

  /** The valid entry of the store, or null. */
  async lookUp(spec: CacheSpec): Promise<Entry | null> {
    const current = await this.#check(spec, this.#options.tier.begin(spec.tags))
    return 'entry' in current ? current.entry : null
  }

  async #loadShared(
    flight: string,
    spec: CacheSpec,
    stamps: readonly string[],
    check: Check,
    load: Load
  ): Promise<Entry> {
    const loadAndKeep = async () => {
      const entry = await this.#load(spec, load, stamps)
      const ttlMs = isNegative(entry) ? NEGATIVE_TTL_MS : this.ttl(spec)
      this.#options.tier.keep(spec.key, entry, check, performance.now() + ttlMs)
      await this.write(spec, entry, ttlMs)
      return entry
    }
    return loadOnce(this.#options.store, flight, () => this.lookUp(spec), loadAndKeep)
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
      if (!shared) return await this.#load(spec, load, [])
      // The last drop stands in for the stamps: who reads after a write of this process does not join a load from before.
      return await this.#flights.run(`${spec.key} bypass ${tier.lastDrop(check)}`, async () => {
        const entry = await this.#load(spec, load, [])
        tier.keep(spec.key, entry, check, performance.now() + this.ttl(spec))
        return entry
      })
    } catch (error) {
      return this.#staleOr(error, spec, copy, trace)
    }
  }

  async #load({ key }: CacheSpec, load: Load, stamps: readonly string[]): Promise<Entry> {
    const counts = this.#options.meter.of(key)
    const start = performance.now()
    counts.loads++
    try {
      return createEntry(await load(), stamps)
    } catch (error) {
      if (error instanceof NotFoundError) return createNegativeEntry(error.what, stamps)
      counts.loadErrors++
      throw error
    } finally {
      counts.loadMs += performance.now() - start
    }
  }

  /** Stale-if-error (RFC 5861): an expired copy of public data when the database fails, never one that was invalidated. */
  #staleOr(error: unknown, spec: CacheSpec, copy: Copy | undefined, trace: Trace): Entry {
    const { tier, staleIfErrorMs, meter, log } = this.#options
    if (error instanceof ApiError || spec.strict || copy === undefined) throw error
    if (performance.now() > copy.expiresAt + staleIfErrorMs || !tier.isIntact(copy)) throw error
    log.warn({ err: error }, 'served stale: the database does not answer')
    trace.outcome = 'STALE'
    meter.of(spec.key).stale++
    return copy.entry
  }

  /** Stores an entry, unless it is too large; a store that fails is no error. */
  async write(spec: CacheSpec, entry: Entry, ttlMs: number): Promise<void> {
    const { store, breaker, maxEntryBytes, meter, log } = this.#options
    const bytes = Buffer.byteLength(entry.value)
    const command = async () => {
      if (bytes > maxEntryBytes) {
        meter.oversized++
        log.warn({ key: spec.key, bytes }, 'not stored: larger than CACHE_MAX_ENTRY_BYTES')
        // What was there before is not what was to be kept.
        await store.delete([spec.key])
      } else {
        const prolonged = isNegative(entry) ? [] : spec.tags
        await Promise.all([store.set(spec.key, encodeEntry(entry), ttlMs), store.prolongStamps(prolonged)])
      }
    }
    await breaker.run(command).catch((err) => {
      const now = performance.now()
      // One line a minute, not one an entry.
      if (now - this.#warnedAt < WARN_EVERY_MS) return
      this.#warnedAt = now
      log.warn({ err, key: spec.key }, 'not cached: Redis refuses to keep it; check its memory, disk and role')
    })
  }

  /** The TTL of a new entry, in ms. */
  ttl({ ttlMs = this.#options.defaultTtlMs }: CacheSpec): number {
    return Math.ceil(ttlMs * (1 - TTL_JITTER * Math.random()))
  }
}

/** The stamps that were found, with those made that are missing. */
async function completed(
  store: Store,
  tags: readonly string[],
  current: readonly (string | null)[]
): Promise<readonly string[]> {
  const found = current.filter((stamp) => stamp !== null)
  return found.length === current.length ? found : store.ensureStamps(tags)
}
