import type { Log } from '#logging/log.ts'
import { type Entry, encodeEntry, isNegative } from '../entry.ts'
import type { CacheSpec } from '../keys.ts'
import type { CacheMeter } from '../meter.ts'
import type { Loaded } from './flights.ts'
import type { ValidatorOptions } from './validator.ts'

/** TTLs are shortened by up to this share, at random, so that entries made together do not expire together. */
const TTL_JITTER = 0.05
const NEGATIVE_TTL_MS = 30_000
const WARN_EVERY_MS = 60_000

export interface KeeperOptions extends ValidatorOptions {
  readonly defaultTtlMs: number
  readonly maxEntryBytes: number
  readonly meter: CacheMeter
  readonly log: Log
}

/** Keeps entries, in this process and in the store, and takes the stamps that they are built under. */
export class Keeper {
  readonly #options: KeeperOptions
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** The stamps of these tags, made where there are none. */
  async takeStamps(tags: readonly string[], current?: readonly (string | null)[]): Promise<readonly string[]> {
    const { store, breaker } = this.#options
    return breaker.run(async () => {
      const known = (current ?? (await store.stamps(tags))).filter((stamp) => stamp !== null)
      return known.length === tags.length ? known : store.ensureStamps(tags)
    })
  }

  /** Keeps an entry in this process; returns its TTL in ms. */
  keepHere(spec: CacheSpec, { entry, check }: Loaded): number {
    const ttlMs = isNegative(entry) ? NEGATIVE_TTL_MS : this.ttl(spec)
    this.#options.tier.keep(spec.key, entry, check, performance.now() + ttlMs)
    return ttlMs
  }

  /** Stores an entry, unless it is too large; a store that fails is no error. */
  async write({ key }: CacheSpec, entry: Entry, ttlMs: number): Promise<void> {
    const { store, breaker, maxEntryBytes, meter, log } = this.#options
    const bytes = Buffer.byteLength(entry.value)
    const command = async () => {
      if (bytes > maxEntryBytes) {
        meter.oversized++
        log.warn({ key, bytes }, 'not stored: larger than CACHE_MAX_ENTRY_BYTES')
        // The entry that was there before is older than this one.
        await store.delete([key])
      } else {
        const prolonged = isNegative(entry) ? [] : entry.tags
        await Promise.all([store.set(key, encodeEntry(entry), ttlMs), store.prolongStamps(prolonged)])
      }
    }
    await breaker.run(command).catch((err) => {
      const now = performance.now()
      // One line a minute, not one an entry.
      if (now - this.#warnedAt < WARN_EVERY_MS) return
      this.#warnedAt = now
      log.warn({ err, key }, 'not cached: Redis refuses to keep it; check its memory, disk and role')
    })
  }

  /** The TTL of a new entry, in ms. */
  ttl({ ttlMs = this.#options.defaultTtlMs }: CacheSpec): number {
    return Math.ceil(ttlMs * (1 - TTL_JITTER * Math.random()))
  }
}
