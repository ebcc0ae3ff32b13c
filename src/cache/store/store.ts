/**
 * Where entries and stamps are kept. Both stores, memory and Redis, pass the same suite (`test/cache/stores.test.ts`).
 * Keys come from `keys.ts`; a stamp is the current nonce of a tag.
 */
export interface Store {
  /** The text kept under `key` and how much longer it will be, in ms, or null. */
  get(key: string): Promise<Stored | null>
  /** Keeps `text` for `ttlMs` milliseconds. */
  set(key: string, text: string, ttlMs: number): Promise<void>
  /** Removes keys; resolves to how many there were. */
  delete(keys: readonly string[]): Promise<number>
  /** The keys of cached data that match a Redis glob, step by step. For people, not for requests. */
  matching(pattern: string): AsyncIterable<Step>
  /**
   * About `limit` of them, from a cursor on that an earlier page gave, in a bounded number of steps: there may be more where few were
   * found. Throws `RangeError` for a cursor that is none.
   */
  page(pattern: string, cursor: string | null, limit: number): Promise<KeyPage>
  /** What a key and its text take, in bytes; null where that cannot be told. */
  weigh(key: string): Promise<number | null>

  /** The current stamps, in the order of `tags`; null where a tag has none. */
  stamps(tags: readonly string[]): Promise<(string | null)[]>
  /** The current stamps, made where missing, for a minute only. Two callers at once get the same ones. */
  ensureStamps(tags: readonly string[]): Promise<string[]>
  /** Keeps stamps as long as an entry needs them: something was stored under them. */
  prolongStamps(tags: readonly string[]): Promise<void>
  /** Gives every tag a new stamp: no entry built before is valid any more. */
  renewStamps(tags: readonly string[]): Promise<void>

  /** True for the first who asks for the lock `name`, until it is unlocked or `ttlMs` have passed. */
  lock(name: string, ttlMs: number): Promise<boolean>
  unlock(name: string): Promise<void>
}

/** A step through the keyspace: the keys it found, and which part of the whole was looked at by then, 0 to 1. */
export interface Step {
  readonly keys: readonly string[]
  readonly part: number
  /** What some of its keys weigh, in bytes; null where that cannot be told. */
  weigh(keys: readonly string[]): Promise<(number | null)[]>
}

/** A part of the keys that match, and the cursor of the next; null after the last. */
export interface KeyPage {
  readonly items: readonly Found[]
  readonly next: string | null
}

export interface Found {
  readonly key: string
  readonly bytes: number | null
  /** Null: it does not expire. */
  readonly ttlMs: number | null
}

export interface Stored {
  readonly text: string
  readonly ttlMs: number
}

/** How long a stamp is kept, in ms: longer than any entry with tags. One that expires costs a miss, never a stale read. */
export const STAMP_TTL_MS = 7_200_000

/** For how long a stamp is made before anything is stored under it: asking for what does not exist leaves little behind. */
export const NEW_STAMP_TTL_MS = 60_000
