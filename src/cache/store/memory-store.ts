import { LRUCache } from 'lru-cache'
import { newStamp } from '../entry.ts'
import { isDataKey, lockKey, stampKey } from '../keys.ts'
import { matcher } from './glob.ts'
import { type KeyPage, NEW_STAMP_TTL_MS, STAMP_TTL_MS, type Step, type Store, type Stored } from './store.ts'

/** What the bookkeeping of one item takes, in bytes, roughly. */
const ITEM_OVERHEAD = 200

function bytesOf(text: string, key: string): number {
  return 2 * (text.length + key.length) + ITEM_OVERHEAD
}

/** A store in this process, bounded in bytes, for the embedded service, which runs without Redis. */
export class MemoryStore implements Store {
  readonly #items: LRUCache<string, string>

  constructor(maxBytes: number) {
    this.#items = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: bytesOf
    })
  }

  async get(key: string): Promise<Stored | null> {
    const text = this.#items.get(key)
    return text === undefined ? null : { text, ttlMs: this.#items.getRemainingTTL(key) }
  }

  async set(key: string, text: string, ttlMs: number): Promise<void> {
    this.#items.set(key, text, { ttl: ttlMs })
  }

  async delete(keys: readonly string[]): Promise<number> {
    // Expired items still take up space, but do not count.
    return keys.filter((key) => this.#items.has(key) && this.#items.delete(key)).length
  }

  async *matching(pattern: string): AsyncGenerator<Step> {
    const matches = matcher(pattern)
    // Expired items still take up space, but do not count.
    const keys = [...this.#items.keys()].filter((key) => isDataKey(key) && matches(key) && this.#items.has(key))
    yield { keys, fraction: 1, memoryUsage: async (some) => some.map((key) => this.#bytes(key)) }
  }

  /** Sorted by key; the cursor is the last key of the page. */
  async page(pattern: string, cursor: string | null, limit: number): Promise<KeyPage> {
    const keys: string[] = []
    for await (const step of this.matching(pattern)) keys.push(...step.keys)
    const left = keys.filter((key) => cursor === null || key > cursor).sort()
    const shown = left.slice(0, limit)
    return {
      items: shown.map((key) => ({ key, bytes: this.#bytes(key), ttlMs: this.#items.getRemainingTTL(key) })),
      next: left.length > limit ? (shown.at(-1) ?? null) : null
    }
  }

  async memoryUsage(key: string): Promise<number | null> {
    return this.#bytes(key)
  }

  #bytes(key: string): number | null {
    const text = this.#items.peek(key)
    return text === undefined ? null : bytesOf(text, key)
  }

  async stamps(tags: readonly string[]): Promise<(string | null)[]> {
    return tags.map((tag) => this.#items.get(stampKey(tag)) ?? null)
  }

  async ensureStamps(tags: readonly string[]): Promise<string[]> {
    return tags.map((tag) => this.#items.get(stampKey(tag)) ?? this.#renew(tag, NEW_STAMP_TTL_MS))
  }

  async prolongStamps(tags: readonly string[]): Promise<void> {
    for (const tag of tags) {
      const stamp = this.#items.get(stampKey(tag))
      if (stamp !== undefined) this.#items.set(stampKey(tag), stamp, { ttl: STAMP_TTL_MS })
    }
  }

  async renewStamps(tags: readonly string[]): Promise<void> {
    for (const tag of tags) this.#renew(tag, STAMP_TTL_MS)
  }

  async lock(name: string, ttlMs: number): Promise<boolean> {
    const key = lockKey(name)
    if (this.#items.has(key)) return false
    this.#items.set(key, '', { ttl: ttlMs })
    return true
  }

  async unlock(name: string): Promise<void> {
    this.#items.delete(lockKey(name))
  }

  #renew(tag: string, ttl: number): string {
    const stamp = newStamp()
    this.#items.set(stampKey(tag), stamp, { ttl })
    return stamp
  }
}
