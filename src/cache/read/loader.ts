import { NotFoundError } from '#http/errors.ts'
import type { Log } from '#logging/log.ts'
import { createEntry, createNegativeEntry, type Entry, encodeEntry, isNegative, isStamped } from '../entry.ts'
import { assertKey, type CacheSpec } from '../keys.ts'
import type { Check } from '../l1/memory-tier.ts'
import type { CacheMeter } from '../meter.ts'
import type { LookUp, LookUpOptions } from './look-up.ts'
import { loadOnce } from './shared-load.ts'

/** TTLs are shortened by up to this share, at random, so that entries made together do not expire together. */
const TTL_JITTER = 0.05
const NEGATIVE_TTL_MS = 30_000
const WARN_EVERY_MS = 60_000

export interface LoaderOptions extends LookUpOptions {
  readonly defaultTtlMs: number
  readonly maxEntryBytes: number
  readonly meter: CacheMeter
  readonly log: Log
}

/**
 * Names tags that only the load knows: call it, and await it, before what they cover is read. What was read earlier may be old when
 * the entry is made.
 */
export type DependOn = (tags: readonly string[]) => Promise<void>

/** Loads a value, as text. What does not exist is a `NotFoundError`. */
export type Load = (dependOn: DependOn) => Promise<string>

/** An entry, with the check that watches all its tags since before it was loaded. */
export interface Loaded {
  readonly entry: Entry
  readonly check: Check
}

/** Makes entries of what is loaded, and keeps them. */
export class Loader {
  readonly #options: LoaderOptions
  readonly #lookUp: LookUp
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor(options: LoaderOptions, lookUp: LookUp) {
    this.#options = options
    this.#lookUp = lookUp
  }

  /** Loads under stamps that were taken before, unless another process does; `name` says key and stamps. */
  shared(name: string, spec: CacheSpec, stamps: readonly string[], check: Check, load: Load): Promise<Loaded> {
    const { store } = this.#options
    const lookUp = async () => {
      const entry = await this.#lookUp.valid(spec)
      return entry && { entry, check }
    }
    return loadOnce(store, name, lookUp, async () => {
      const loaded = await this.#load(spec, load, check, stamps)
      if (isStamped(loaded.entry)) await this.write(spec, loaded.entry, this.#keep(spec, loaded))
      return loaded
    })
  }

  /** Loads without the store. */
  alone(spec: CacheSpec, check: Check, load: Load): Promise<Loaded> {
    return this.#load(spec, load, check, null)
  }

  /** The same, and keeps it in this process. */
  async aloneAndKept(spec: CacheSpec, check: Check, load: Load): Promise<Loaded> {
    const loaded = await this.alone(spec, check, load)
    this.#keep(spec, loaded)
    return loaded
  }

  /** Resolves to the entry, whose stamps are none where `stamps` is null, or where the store did not tell one that the load asked for. */
  async #load(
    { key, tags, shape }: CacheSpec,
    load: Load,
    check: Check,
    stamps: readonly string[] | null
  ): Promise<Loaded> {
    const { tier, meter } = this.#options
    const counts = meter.of(key)
    const start = performance.now()
    const found: { tag: string; stamp: string | null }[] = []
    let watching = check
    const dependOn: DependOn = async (more) => {
      for (const tag of more) assertKey(tag)
      // Watched first: a drop while the store is asked counts.
      watching = tier.alsoWatch(watching, more)
      const taken = stamps === null ? null : await this.takeStamps(more).catch(() => null)
      found.push(...more.map((tag, i) => ({ tag, stamp: taken?.[i] ?? null })))
    }
    /** Of what the load has named by its end. */
    const dependencies = () => {
      const named = [...tags, ...found.map(({ tag }) => tag)]
      const known = [...(stamps ?? []), ...found.map(({ stamp }) => stamp)].filter((stamp) => stamp !== null)
      return { tags: named, stamps: known.length === named.length ? known : [] }
    }
    counts.loads++
    try {
      const entry = createEntry(shape, await load(dependOn), dependencies())
      return { entry, check: watching }
    } catch (error) {
      if (error instanceof NotFoundError)
        return { entry: createNegativeEntry(shape, error.what, dependencies()), check: watching }
      counts.loadErrors++
      throw error
    } finally {
      counts.loadMs += performance.now() - start
    }
  }

  /** The stamps of these tags, made where there are none. */
  async takeStamps(tags: readonly string[], current?: readonly (string | null)[]): Promise<readonly string[]> {
    const { store, breaker } = this.#options
    return breaker.run(async () => {
      const known = (current ?? (await store.stamps(tags))).filter((stamp) => stamp !== null)
      return known.length === tags.length ? known : store.ensureStamps(tags)
    })
  }

  /** Keeps it in this process; returns its TTL in ms. */
  #keep(spec: CacheSpec, { entry, check }: Loaded): number {
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
        // What was there before is not what was to be kept.
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
