import { createHash } from 'node:crypto'

/**
 * What keys look like, and the cache's internal keys. The keys of cached data are built in the `cache-specs.ts` of each
 * folder.
 */

export const MAX_KEY_LENGTH = 512
const KEY = /^[A-Za-z0-9:_.-]+$/

/** The prefixes of cached data. Clearing touches only these: no sessions, rate limits or jobs. */
export const DATA_PREFIXES = ['course', 'user', 'api', 'generation', 'stats'] as const

/** Describes a cached value: its key, the tags that it depends on, its shape and its TTL. */
export interface CacheSpec {
  readonly key: string
  readonly tags: readonly string[]
  /** A fingerprint of the value's schema (`shapeOf`): entries with another one are misses. */
  readonly shape: string
  /** The default is `CACHE_DEFAULT_TTL`. */
  readonly ttlMs?: number
  /** Checks the stamps on every read, whatever the lease: for data that belongs to one user. */
  readonly strict?: boolean
  /**
   * Whether a text from the store matches the schema. One that does not is a miss: anyone with access to the store may
   * have written it.
   */
  readonly isWellFormed?: (text: string) => boolean
  /**
   * The service acts on the value, as on a role. So it is kept in this process only, and the store is only asked
   * whether its tags were touched. An attacker who can write to the store can at most keep such a copy alive until its
   * TTL, which is therefore short.
   */
  readonly authoritative?: boolean
}

/** The key under which a tag's stamp is kept. */
export function stampKey(tag: string): string {
  return `tag:${tag}`
}

/** The key of the lock that a process holds while it runs the load called `name`. */
export function lockKey(name: string): string {
  return `lock:${createHash('sha256').update(name).digest('base64url').slice(0, 22)}`
}

/**
 * Throws `RangeError` for a key with other characters or longer than 512 bytes: a bug of ours, never an error of a
 * client.
 */
export function assertKey(key: string): void {
  if (key.length > MAX_KEY_LENGTH || !KEY.test(key)) throw new RangeError(`invalid cache key: ${JSON.stringify(key)}`)
}

/** True if the key has one of `DATA_PREFIXES`. */
export function isDataKey(key: string): boolean {
  return DATA_PREFIXES.some((prefix) => key.startsWith(prefix) && key.charCodeAt(prefix.length) === 58 /* : */)
}

/** A short digest of a query. The order of its fields does not matter, and undefined ones are ignored. */
export function digestOf(query: object): string {
  const present = Object.entries(query).filter(([, value]) => value !== undefined)
  present.sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(present)).digest('base64url').slice(0, 22)
}
