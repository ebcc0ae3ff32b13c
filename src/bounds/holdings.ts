/** Counts how many things each key holds at the moment. Keys that hold nothing take no memory. */
export class Holdings<Key> {
  readonly #held = new Map<Key, number>()

  of(key: Key): number {
    return this.#held.get(key) ?? 0
  }

  add(key: Key): void {
    this.#held.set(key, this.of(key) + 1)
  }

  /** Undoes one `add`. */
  release(key: Key): void {
    const left = this.of(key) - 1
    if (left > 0) this.#held.set(key, left)
    else this.#held.delete(key)
  }
}
