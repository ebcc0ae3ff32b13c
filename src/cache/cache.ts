import type { Log } from '../log.ts'
import { createEntry, decodeEntry, type Entry, encodeEntry, isValid } from './entry.ts'
import { assertKey } from './keys.ts'
import { SingleFlight } from './single-flight.ts'
import type { Store } from './store.ts'
import type { Trace } from './trace.ts'

/** TTLs are shortened by up to this share, at random, so that entries made together do not expire together. */
const TTL_JITTER = 0.05

/** What names a cached value: its key, the tags it depends on, and how long it lives at most, in ms. */
export interface CacheSpec {
  readonly key: string
  readonly tags: readonly string[]
  readonly ttlMs?: number
}

export interface CacheOptions {
  readonly store: Store
  readonly defaultTtlMs: number
  readonly maxEntryBytes: number
  readonly log: Log
}

/**
 * The coherent cache: cache-aside with stamps. A read that starts after `invalidate` has resolved never
 * returns a value loaded before it.
 */
export class Cache {
  readonly #store: Store
  readonly #defaultTtlMs: number
  readonly #maxEntryBytes: number
  readonly #log: Log
  readonly #flights = new SingleFlight<Entry>()

  constructor(options: CacheOptions) {
    this.#store = options.store
    this.#defaultTtlMs = options.defaultTtlMs
    this.#maxEntryBytes = options.maxEntryBytes
    this.#log = options.log
  }

  /** The entry for `spec`, from the store, or made of the text that `load` resolves to. Errors of `load` reach every waiter. */
  async fetch(spec: CacheSpec, load: () => Promise<string>, trace?: Trace): Promise<Entry> {
    assertKey(spec.key)
    const start = performance.now()
    const [text, current] = await Promise.all([this.#store.get(spec.key), this.#store.stamps(spec.tags)])
    const found = text === null ? null : decodeEntry(text)
    if (trace) trace.cacheMs += performance.now() - start
    if (found !== null && isValid(found, current)) {
      if (trace) trace.hits++
      this.#log.debug({ key: spec.key }, 'cache hit')
      return found
    }

    if (trace) trace.misses++
    this.#log.debug({ key: spec.key, stale: found !== null }, 'cache miss')
    // The stamps are taken before the load: an entry whose load raced a write carries the old ones, and is dead on arrival.
    const stamps = current.every((stamp) => stamp !== null) ? current : await this.#store.ensureStamps(spec.tags)
    const loadStart = performance.now()
    const entry = await this.#flights.run(`${spec.key} ${stamps.join()}`, () => this.#load(spec, stamps, load))
    if (trace) trace.loadMs += performance.now() - loadStart
    return entry
  }

  /** The value for `spec`, from the cache or from `load`. It must survive JSON. */
  async wrap<T>(spec: CacheSpec, load: () => Promise<T>, trace?: Trace): Promise<T> {
    const entry = await this.fetch(spec, async () => JSON.stringify(await load()), trace)
    return JSON.parse(entry.value)
  }

  /** Makes every entry with one of these tags invalid, whatever their number. */
  async invalidate(tags: readonly string[]): Promise<void> {
    await this.#store.renewStamps(tags)
    this.#log.debug({ tags }, 'cache invalidate')
  }

  /** Removes the keys of cached data that match a Redis glob, as `course:*`; resolves to their number. */
  async clearPattern(pattern: string): Promise<number> {
    const deleted = await this.#store.deleteMatching(pattern)
    this.#log.info({ pattern, deleted }, 'cache cleared by pattern')
    return deleted
  }

  async #load(spec: CacheSpec, stamps: readonly string[], load: () => Promise<string>): Promise<Entry> {
    const entry = createEntry(await load(), stamps)
    const text = encodeEntry(entry)
    if (Buffer.byteLength(text) > this.#maxEntryBytes) {
      this.#log.warn({ key: spec.key, bytes: Buffer.byteLength(text) }, 'not cached: larger than CACHE_MAX_ENTRY_BYTES')
      return entry
    }
    const ttlMs = spec.ttlMs ?? this.#defaultTtlMs
    await this.#store.set(spec.key, text, Math.ceil(ttlMs * (1 - TTL_JITTER * Math.random())))
    return entry
  }
}
