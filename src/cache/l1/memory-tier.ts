import { LRUCache } from 'lru-cache'
import { growingTo } from '#bounds/growing-to.ts'
import type { Entry } from '../entry.ts'
import { matcher } from '../store/glob.ts'

/** How many tags are watched. When a tag is evicted, the copies that depend on it are no longer trusted. */
const MAX_TAGS = 100_000

/** Upper bound of the bytes per character: of the text, of its encoded body and of its compressed body together. */
const BYTES_PER_CHARACTER = 5
/** What a copy takes besides its text, in bytes, roughly. */
const COPY_OVERHEAD = 2400

/** When a tag was last dropped, on a logical clock that counts drops, so that no two drops have the same time. */
interface WatchedTag {
  droppedAt: number
}

/** A tag, and the tick after which a drop of it counts. */
interface Watch {
  readonly tag: WatchedTag
  readonly tick: number
}

/** The moment before the store is asked. A tag that is dropped later is also dropped for the store's answer. */
export interface Check {
  readonly watches: readonly Watch[]
  readonly tick: number
  readonly at: number
}

/** An entry in this process, with the check that last compared its stamps with the store's. */
export interface Copy {
  readonly entry: Entry
  readonly check: Check
  readonly expiresAt: number
}

/**
 * The first tier (L1): copies of entries in this process, bounded in bytes. A copy is served without asking the store
 * for the lease after its stamps were checked, unless one of its tags has been dropped since. Times are
 * `performance.now()`, in ms.
 */
export class MemoryTier {
  readonly #copies: LRUCache<string, Copy>
  readonly #tags: LRUCache<string, WatchedTag>
  #tick = 0
  #allDroppedAt = 0
  #removedAt = 0

  constructor(maxBytes: number) {
    this.#copies = new LRUCache({
      // 0 means off, but lru-cache needs at least 1, into which nothing fits.
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ entry }, key) => BYTES_PER_CHARACTER * (entry.value.length + key.length) + COPY_OVERHEAD
    })
    this.#tags = new LRUCache({
      ...growingTo(MAX_TAGS),
      dispose: (tag) => {
        tag.droppedAt = Number.POSITIVE_INFINITY
      }
    })
  }

  get bytes(): number {
    return this.#copies.calculatedSize
  }

  get count(): number {
    return this.#copies.size
  }

  get(key: string): Copy | undefined {
    return this.#copies.get(key)
  }

  /** Begins a check. Call it before asking the store, so that no drop in between is missed. */
  begin(tags: readonly string[]): Check {
    return { watches: this.#watchAll(tags), tick: this.#tick, at: performance.now() }
  }

  /**
   * The same check, which from now on watches these tags, too. Call it before asking the store for their stamps. The
   * check keeps its original time, so the lease of a copy counts from the first question.
   */
  alsoWatch(check: Check, tags: readonly string[]): Check {
    return { ...check, watches: [...check.watches, ...this.#watchAll(tags)] }
  }

  /** Keeps a copy, unless any key was removed after the check began: it may have been this one. */
  keep(key: string, entry: Entry, check: Check, expiresAt: number): void {
    if (check.tick >= this.#removedAt) this.#copies.set(key, { entry, check, expiresAt })
  }

  /** Removes a copy that turned out to be stale, unless a newer one has replaced it. */
  discard(key: string, copy: Copy): void {
    if (this.#copies.get(key) === copy) this.#copies.delete(key)
  }

  /** True if the copy was checked less than `maxAgeMs` ago and none of its tags has been dropped since. */
  isTrusted(copy: Copy, maxAgeMs: number): boolean {
    const now = performance.now()
    return now - copy.check.at < maxAgeMs && now < copy.expiresAt && this.isIntact(copy.check)
  }

  /** True if, as far as this process knows, no tag that the check watches has been dropped since. */
  isIntact(check: Check): boolean {
    if (check.tick < this.#allDroppedAt) return false
    for (const { tag, tick } of check.watches) if (tag.droppedAt > tick) return false
    return true
  }

  drop(tags: readonly string[]): void {
    const tick = ++this.#tick
    for (const tag of tags) this.#watch(tag).droppedAt = tick
  }

  /** Drops all tags, because messages may have been lost. */
  dropAll(): void {
    this.#allDroppedAt = ++this.#tick
  }

  /** The tick of the last drop that affects these tags: two checks with the same one may share a load. */
  lastDrop({ watches }: Check): number {
    return watches.reduce((last, { tag }) => Math.max(last, tag.droppedAt), this.#allDroppedAt)
  }

  delete(keys: readonly string[]): void {
    this.#removedAt = ++this.#tick
    for (const key of keys) this.#copies.delete(key)
  }

  deleteMatching(pattern: string): void {
    const matches = matcher(pattern)
    this.delete([...this.#copies.keys()].filter(matches))
  }

  #watchAll(tags: readonly string[]): Watch[] {
    return tags.map((name) => ({ tag: this.#watch(name), tick: this.#tick }))
  }

  #watch(name: string): WatchedTag {
    let tag = this.#tags.get(name)
    if (tag === undefined) {
      tag = { droppedAt: this.#tick }
      this.#tags.set(name, tag)
    }
    return tag
  }
}
