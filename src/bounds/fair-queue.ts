/** A queue in which clients take turns, so that nobody waits behind all that another has asked for. */
export class FairQueue<Item> {
  readonly #most: number
  /** The next client in turn is the first. */
  readonly #waiting = new Map<string | undefined, Set<Item>>()
  #size = 0

  /** `most` is how many items it holds, of all clients together. */
  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#size
  }

  /** Adds an item. Returns the one for which there is no room: the newest of the client that has the most, which may be the item itself. */
  add(client: string | undefined, item: Item): Item | undefined {
    const own = this.#waiting.get(client) ?? new Set()
    this.#waiting.set(client, own.add(item))
    this.#size++
    if (this.#size <= this.#most) return undefined
    let [most, items] = [client, own]
    for (const [other, theirs] of this.#waiting) if (theirs.size > items.size) [most, items] = [other, theirs]
    const newest = [...items].at(-1)
    if (newest !== undefined) this.delete(most, newest)
    return newest
  }

  /** True when it was there. */
  delete(client: string | undefined, item: Item): boolean {
    const items = this.#waiting.get(client)
    if (!items?.delete(item)) return false
    this.#size--
    if (items.size === 0) this.#waiting.delete(client)
    return true
  }

  /** Takes out the item that has waited longest of the client whose turn it is. */
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
