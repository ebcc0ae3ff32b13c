const SECOND_MS = 1000

/**
 * Bounds lines that a client can cause as often as it likes. `take` is null where there have been `max` in this second; else how many were
 * left out since the last one, which that line is to say.
 */
export class LinesASecond {
  readonly #max: number
  #windowBegan = 0
  #taken = 0
  #left = 0

  constructor(max: number) {
    this.#max = max
  }

  take(now = performance.now()): { leftOut?: number } | null {
    if (now - this.#windowBegan >= SECOND_MS) {
      this.#windowBegan = now
      this.#taken = 0
    }
    if (this.#taken >= this.#max) {
      this.#left++
      return null
    }
    this.#taken++
    const leftOut = this.#left
    this.#left = 0
    return leftOut === 0 ? {} : { leftOut }
  }
}
