import { LRUCache } from 'lru-cache'
import type { Entry } from '../entry.ts'
import { matcher } from '../store/glob.ts'

/** How many tags are watched. A tag that falls out takes the trust in its copies with it, never the other way round. */
const MAX_TAGS = 100_000

/**
 * What a character weighs at most, in the text, in the bytes that are sent of it and in those that are sent compressed, and a copy beside
 * them, roughly, in bytes.
 */
const CHARACTER = 5
const COPY_OVERHEAD = 2400

/** When a tag was last dropped, on the tier's own clock: a count of drops, so that no two events are at the same time. */
interface WatchedTag {
  droppedAt: number
}

/** A tag, and the tick from which on a drop of it counts. */
interface Watch {
  readonly tag: WatchedTag
  readonly tick: number
}

/** A moment at which the store is asked. What is dropped later is dropped for the answer too. */
export interface Check {
  readonly watches: readonly Watch[]
  readonly tick: number
  readonly at: number
}

/** A serialized entry in this process, with when its stamps were last compared with the store's. */
export interface Copy {
  readonly entry: Entry
  readonly check: Check
  readonly expiresAt: number
}

/**
 * The first tier (L1): copies of entries in this process, bounded in bytes. A copy answers alone for a lease after
 * its stamps were checked, unless one of its tags was dropped since. Times are `performance.now()`, in ms.
 */
export class MemoryTier {
  readonly #copies: LRUCache<string, Copy>
  readonly #tags: LRUCache<string, WatchedTag>
  #tick = 0
  #allDroppedAt = 0
  #removedAt = 0

  constructor(maxBytes: number) {
    this.#copies = new LRUCache({
      // Nothing fits into one byte: that is a tier switched off.
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ entry }, key) => CHARACTER * (entry.value.length + key.length) + COPY_OVERHEAD
    })
    this.#tags = new LRUCache({
      max: MAX_TAGS,
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

  /** Call it before the store is asked, so that a drop that happens meanwhile is not missed. */
  begin(tags: readonly string[]): Check {
    return { watches: this.#watchAll(tags), tick: this.#tick, at: performance.now() }
  }

  /**
   * The same check, which watches these tags too, from now on: call it before the store is asked for their stamps. It stays as old
   * as it was: the lease of a copy counts from the first question.
   */
  alsoWatch(check: Check, tags: readonly string[]): Check {
    return { ...check, watches: [...check.watches, ...this.#watchAll(tags)] }
  }

  /** Not for an answer that was asked for before something was removed: it may be just that. */
  keep(key: string, entry: Entry, check: Check, expiresAt: number): void {
    if (check.tick >= this.#removedAt) this.#copies.set(key, { entry, check, expiresAt })
  }

  /** Removes a copy that turned out to be old, unless there is a newer one. */
  discard(key: string, copy: Copy): void {
    if (this.#copies.get(key) === copy) this.#copies.delete(key)
  }

  /** True when the copy was checked less than `maxAgeMs` ago and nothing it depends on was dropped since. */
  isTrusted(copy: Copy, maxAgeMs: number): boolean {
    const now = performance.now()
    return now - copy.check.at < maxAgeMs && now < copy.expiresAt && this.isIntact(copy.check)
  }

  /** True when nothing that the check watches was dropped since, as far as this process has heard. */
  isIntact(check: Check): boolean {
    if (check.tick < this.#allDroppedAt) return false
    for (const { tag, tick } of check.watches) if (tag.droppedAt > tick) return false
    return true
  }

  drop(tags: readonly string[]): void {
    const tick = ++this.#tick
    for (const tag of tags) this.#watch(tag).droppedAt = tick
  }

  /** For when messages may have been lost. */
  dropAll(): void {
    this.#allDroppedAt = ++this.#tick
  }

  /** The last drop that concerns these tags: two checks with the same one may share a load. */
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
