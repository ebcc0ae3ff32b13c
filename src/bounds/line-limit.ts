const SECOND_MS = 1000

/**
 * Limits log lines that clients could cause at any rate. `take` returns null if there have already been `max` lines in
 * this window, which begins with the first line. Otherwise it returns the number of lines left out since the last one,
 * for the line to mention.
 */
export class LineLimit {
  readonly #max: number
  readonly #windowMs: number
  #windowBegan = Number.NEGATIVE_INFINITY
  #taken = 0
  #leftOut = 0

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
      this.#leftOut++
      return null
    }
    this.#taken++
    const leftOut = this.#leftOut
    this.#leftOut = 0
    return leftOut === 0 ? {} : { leftOut }
  }
}
