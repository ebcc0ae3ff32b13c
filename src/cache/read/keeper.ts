import type { Log } from '#logging/log.ts'
import { type Entry, encodeEntry, isNegative } from '../entry.ts'
import type { CacheSpec } from '../keys.ts'
import type { CacheMeter } from '../meter.ts'
import type { Loaded } from './flights.ts'
import type { ValidatorOptions } from './validator.ts'

/** TTLs are shortened by a random fraction of up to this, so that entries stored together do not expire together. */
const TTL_JITTER = 0.05
const NEGATIVE_TTL_MS = 30_000
const WARN_EVERY_MS = 60_000

export interface KeeperOptions extends ValidatorOptions {
  readonly defaultTtlMs: number
  readonly maxEntryBytes: number
  readonly meter: CacheMeter
  readonly log: Log
}

/** Stores entries, in this process and in the store, and takes the stamps that they are built under. */
export class Keeper {
  readonly #options: KeeperOptions
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** The stamps of these tags; missing ones are created. */
  async takeStamps(tags: readonly string[], current?: readonly (string | null)[]): Promise<readonly string[]> {
    const { store, breaker } = this.#options
    return breaker.run(async () => {
      const known = (current ?? (await store.stamps(tags))).filter((stamp) => stamp !== null)
      return known.length === tags.length ? known : store.ensureStamps(tags)
    })
  }

  /** Keeps an entry in this process and returns its TTL, in ms. */
  keepHere(spec: CacheSpec, { entry, check }: Loaded): number {
    const ttlMs = isNegative(entry) ? NEGATIVE_TTL_MS : this.ttl(spec)
    this.#options.tier.keep(spec.key, entry, check, performance.now() + ttlMs)
    return ttlMs
  }

  /** Stores an entry, unless it is too large. A failure of the store is logged, not thrown. */
  async write({ key }: CacheSpec, entry: Entry, ttlMs: number): Promise<void> {
    const { store, breaker, maxEntryBytes, meter, log } = this.#options
    const bytes = Buffer.byteLength(entry.value)
    const command = async () => {
      if (bytes > maxEntryBytes) {
        meter.oversized++
        log.warn({ key, bytes }, 'not stored: larger than CACHE_MAX_ENTRY_BYTES')
        // Do not leave an older entry in its place.
        await store.delete([key])
      } else {
        const prolonged = isNegative(entry) ? [] : entry.tags
        await Promise.all([store.set(key, encodeEntry(entry), ttlMs), store.prolongStamps(prolonged)])
      }
    }
    await breaker.run(command).catch((err) => {
      const now = performance.now()
      // At most one line a minute, not one per entry.
      if (now - this.#warnedAt < WARN_EVERY_MS) return
      this.#warnedAt = now
      log.warn({ err, key }, 'not cached: Redis refused the write; check its memory, disk and role')
    })
  }

  /** The TTL of a new entry, in ms, with jitter. */
  ttl({ ttlMs = this.#options.defaultTtlMs }: CacheSpec): number {
    return Math.ceil(ttlMs * (1 - TTL_JITTER * Math.random()))
  }
}
