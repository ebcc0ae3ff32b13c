import { Holdings } from '#bounds/holdings.ts'
import type { ErrorCode } from '#http/error-codes.ts'
import { ApiError } from '#http/errors.ts'

export interface PlacesOptions {
  /** What takes a place, in the plural, as a client reads it. */
  readonly what: string
  /** The code for a holder who has all that one may have. */
  readonly code: ErrorCode
  /** Places of everybody together; 0 is off. */
  readonly max: number
  /** Places of one holder; 0 is off. */
  readonly maxPerHolder: number
  /** When a client that is refused may try again, in seconds. */
  readonly retryAfterS: number
}

/** Places in this process that are held for a while: so many by everybody, so many by one. */
export class Places {
  readonly #options: PlacesOptions
  readonly #held = new Holdings<number | string>()
  #total = 0

  constructor(options: PlacesOptions) {
    this.#options = options
  }

  /** How many are taken. */
  get taken(): number {
    return this.#total
  }

  /**
   * Takes a place; the function that it gives returns it, once. Throws 429 where the holder has all that one may have, 503
   * where none is left.
   */
  take(holder: number | string): () => void {
    const { what, code, max, maxPerHolder, retryAfterS } = this.#options
    const headers = { 'Retry-After': String(retryAfterS) }
    if (maxPerHolder > 0 && this.#held.of(holder) >= maxPerHolder) {
      throw new ApiError(429, code, `you may have ${maxPerHolder} ${what} at a time: close one first`, headers)
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
