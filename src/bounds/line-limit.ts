const SECOND_MS = 1000

/**
 * Bounds lines of the log that others can cause as often as they like. `take` is null where there have been `max` in this window, which
 * begins with the first; else how many were left out since the last one, which that line may say.
 */
export class LineLimit {
  readonly #max: number
  readonly #windowMs: number
  #windowBegan = Number.NEGATIVE_INFINITY
  #taken = 0
  #left = 0

  constructor(max: number, windowMs = SECOND_MS) {
    this.#max = max
    this.#windowMs = windowMs
  }

  take(now = performance.now()): { leftOut?: number } | null {
    if (now - this.#windowBegan >= this.#windowMs) {
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
