/**
 * Where entries and stamps are stored. Both implementations, memory and Redis, pass the same suite
 * (`test/cache/stores.test.ts`). A stamp is the current nonce of a tag.
 */
export interface Store {
  /** The text stored under `key`, with its remaining TTL, or null. */
  get(key: string): Promise<Stored | null>
  /** Stores `text` for `ttlMs` milliseconds. */
  set(key: string, text: string, ttlMs: number): Promise<void>
  /** Removes keys; resolves to the number that existed. */
  delete(keys: readonly string[]): Promise<number>
  /** The keys of cached data that match a Redis glob, step by step. For operators, never in the path of a request. */
  matching(pattern: string): AsyncIterable<Step>
  /**
   * About `limit` of these keys, starting at the cursor of an earlier page, in a bounded number of steps: a short page
   * is not necessarily the last. Throws `RangeError` for an invalid cursor.
   */
  page(pattern: string, cursor: string | null, limit: number): Promise<KeyPage>
  /** The memory that a key and its text take, in bytes; null if unknown. */
  memoryUsage(key: string): Promise<number | null>

  /** The current stamps, in the order of `tags`; null for a tag without one. */
  stamps(tags: readonly string[]): Promise<(string | null)[]>
  /**
   * The current stamps. Missing ones are created, for one minute (`NEW_STAMP_TTL_MS`); concurrent callers get the same
   * ones.
   */
  ensureStamps(tags: readonly string[]): Promise<string[]>
  /** Extends the TTL of stamps to `STAMP_TTL_MS`, because an entry was stored under them. */
  prolongStamps(tags: readonly string[]): Promise<void>
  /** Gives every tag a new stamp, which invalidates all entries built before. */
  renewStamps(tags: readonly string[]): Promise<void>

  /** Takes the lock `name`: true for the first caller, until it is unlocked or `ttlMs` have passed. */
  lock(name: string, ttlMs: number): Promise<boolean>
  unlock(name: string): Promise<void>
}

/** A step through the keyspace: the keys it found, and the fraction of the keyspace scanned so far, 0 to 1. */
export interface Step {
  readonly keys: readonly string[]
  readonly fraction: number
  /** The memory usage of some of its keys, in bytes; null if unknown. */
  memoryUsage(keys: readonly string[]): Promise<(number | null)[]>
}

/** A page of matching keys, and the cursor of the next page; null after the last. */
export interface KeyPage {
  readonly items: readonly Found[]
  readonly next: string | null
}

export interface Found {
  readonly key: string
  readonly bytes: number | null
  /** Null if the key does not expire. */
  readonly ttlMs: number | null
}

export interface Stored {
  readonly text: string
  readonly ttlMs: number
}

/**
 * How long a stamp lives, in ms: longer than any entry with tags. An expired stamp causes a miss, never a stale read.
 */
export const STAMP_TTL_MS = 7_200_000

/**
 * How long a new stamp lives until an entry is stored under it, in ms, so that reads of missing data leave little
 * behind.
 */
export const NEW_STAMP_TTL_MS = 60_000
