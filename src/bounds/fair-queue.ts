/** A queue in which clients take turns, so that no client waits behind the whole backlog of another. */
export class FairQueue<Item> {
  readonly #maxSize: number
  /** The first client is the next in turn. */
  readonly #waiting = new Map<string | undefined, Set<Item>>()
  #size = 0

  /** `maxSize` is the number of items for all clients together. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize
  }

  get size(): number {
    return this.#size
  }

  /**
   * Adds an item. If the queue is full, removes and returns the newest item of the client with the most items, perhaps
   * the new one.
   */
  add(client: string | undefined, item: Item): Item | undefined {
    const own = this.#waiting.get(client) ?? new Set()
    this.#waiting.set(client, own.add(item))
    this.#size++
    if (this.#size <= this.#maxSize) return undefined
    let [largest, items] = [client, own]
    for (const [other, theirs] of this.#waiting) if (theirs.size > items.size) [largest, items] = [other, theirs]
    const newest = [...items].at(-1)
    if (newest !== undefined) this.delete(largest, newest)
    return newest
  }

  /** True if the item was in the queue. */
  delete(client: string | undefined, item: Item): boolean {
    const items = this.#waiting.get(client)
    if (!items?.delete(item)) return false
    this.#size--
    if (items.size === 0) this.#waiting.delete(client)
    return true
  }

  /** Removes and returns the oldest item of the client whose turn it is. */
  take(): Item | undefined {
    for (const [client, items] of this.#waiting) {
      for (const item of items) {
        this.delete(client, item)
        if (this.#waiting.delete(client)) this.#waiting.set(client, items)
        return item
      }
    }
    return undefined
  }
}
