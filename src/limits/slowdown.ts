import { setTimeout as sleep } from 'node:timers/promises'
import { Holdings } from '#bounds/holdings.ts'

export interface SlowdownOptions {
  readonly delayMs: number
  /** How many wait at a time under one key, and in all. */
  readonly waitingOfKey: number
  readonly waiting: number
}

/** Lets requests wait, holding nothing but their connections. What wait at a time is bounded, and so is how many pass in an hour. */
export class Slowdown {
  readonly #options: SlowdownOptions
  readonly #waiting = new Holdings<string>()
  #all = 0

  constructor(options: SlowdownOptions) {
    this.#options = options
  }

  /** Resolves to true after the delay, to false at once where too many are waiting already. */
  async wait(key: string): Promise<boolean> {
    const { delayMs, waitingOfKey, waiting } = this.#options
    if (this.#waiting.of(key) >= waitingOfKey || this.#all >= waiting) return false
    this.#waiting.add(key)
    this.#all++
    // Its place is taken for the whole time, whether or not the client is still there: hanging up makes nobody faster.
    await sleep(delayMs)
    this.#all--
    this.#waiting.release(key)
    return true
  }
}
