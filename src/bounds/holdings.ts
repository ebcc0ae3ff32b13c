/** How much each key holds at the moment. A key that holds nothing is not kept, so its memory is that of what is held. */
export class Holdings<Key> {
  readonly #held = new Map<Key, number>()

  of(key: Key): number {
    return this.#held.get(key) ?? 0
  }

  add(key: Key): void {
    this.#held.set(key, this.of(key) + 1)
  }

  /** Gives back one of those that were added. */
  release(key: Key): void {
    const left = this.of(key) - 1
    if (left > 0) this.#held.set(key, left)
    else this.#held.delete(key)
  }
}
