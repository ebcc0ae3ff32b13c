import { createHash } from 'node:crypto'

/** What a key may be, and the keys that the cache has for itself. Those of cached data are built in the `cache-specs.ts` of each room. */

export const MAX_KEY_LENGTH = 512
const KEY = /^[A-Za-z0-9:_.-]+$/

/** The first words of cached data. Clearing touches nothing else: not sessions, not limits, not jobs. */
export const DATA_PREFIXES = ['course', 'user', 'api', 'generation', 'stats'] as const

/** What names a cached value: its key, the tags it depends on, and how long it lives at most, in ms. */
export interface CacheSpec {
  readonly key: string
  readonly tags: readonly string[]
  /** A fingerprint of what the value is made of (`shapeOf`): entries of another one are misses. */
  readonly shape: string
  /** `CACHE_DEFAULT_TTL` where it is not given. */
  readonly ttlMs?: number
  /** The stamps are checked at every read, whatever the lease: for what belongs to one user. */
  readonly strict?: boolean
  /** True for a text that is such a value: an entry of the store that is none is a miss, since anybody may have put it there. */
  readonly form?: (text: string) => boolean
  /**
   * What the value says is acted on, as a role is, so it is kept in this process only, and the store tells no more than whether it was
   * touched. Whoever can write to the store can make such a copy last as long as its TTL at most, which is therefore short.
   */
  readonly authoritative?: boolean
}

/** The key under which a tag's stamp is kept. */
export function stampKey(tag: string): string {
  return `tag:${tag}`
}

/** The key of the lock that one of several processes takes while it loads what `name` says. */
export function lockKey(name: string): string {
  return `lock:${createHash('sha256').update(name).digest('base64url').slice(0, 22)}`
}

/** Throws `RangeError` for a key outside the alphabet or longer than 512 bytes: a mistake of ours, never of a client. */
export function assertKey(key: string): void {
  if (key.length > MAX_KEY_LENGTH || !KEY.test(key)) throw new RangeError(`not a cache key: ${JSON.stringify(key)}`)
}

/** True for a key of cached data. */
export function isDataKey(key: string): boolean {
  return DATA_PREFIXES.some((prefix) => key.startsWith(prefix) && key.charCodeAt(prefix.length) === 58 /* : */)
}

/** A short name for a query or a question: the same for two that mean the same, whose fields are sorted and absent ones left out. */
export function digestOf(query: object): string {
  const present = Object.entries(query).filter(([, value]) => value !== undefined)
  present.sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(present)).digest('base64url').slice(0, 22)
}
