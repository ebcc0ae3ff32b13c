import { Holdings } from '#bounds/holdings.ts'
import type { ErrorCode } from '#http/error-codes.ts'
import { ApiError } from '#http/errors.ts'

export interface PlacesOptions {
  /** What the places are for, in the plural, for error messages. */
  readonly what: string
  /** The error code for a holder who has reached `maxPerHolder`. */
  readonly code: ErrorCode
  /** Places of all holders together; 0 means no limit. */
  readonly max: number
  /** Places of one holder; 0 means no limit. */
  readonly maxPerHolder: number
  /** When a refused client may try again, in seconds. */
  readonly retryAfterS: number
}

/** A semaphore of this process, bounded in total and per holder. */
export class Places {
  readonly #options: PlacesOptions
  readonly #held = new Holdings<number | string>()
  #total = 0

  constructor(options: PlacesOptions) {
    this.#options = options
  }

  /** The number of places in use. */
  get taken(): number {
    return this.#total
  }

  /**
   * Takes a place and returns a function that releases it, which may be called twice. Throws 429 if the holder has
   * reached its limit, 503 if no place is left.
   */
  take(holder: number | string): () => void {
    const { what, code, max, maxPerHolder, retryAfterS } = this.#options
    const headers = { 'Retry-After': String(retryAfterS) }
    if (maxPerHolder > 0 && this.#held.of(holder) >= maxPerHolder) {
      throw new ApiError(429, code, `you may have at most ${maxPerHolder} ${what} at a time: close one first`, headers)
    }
    if (max > 0 && this.#total >= max) throw new ApiError(503, 'OVERLOADED', `too many ${what}: try again`, headers)
    this.#held.add(holder)
    this.#total++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#total--
      this.#held.release(holder)
    }
  }
}
