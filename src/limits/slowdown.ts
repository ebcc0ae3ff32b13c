import { setTimeout as sleep } from 'node:timers/promises'

export interface SlowdownOptions {
  readonly delayMs: number
  /** How many wait at a time under one key, and in all. */
  readonly waitingOfKey: number
  readonly waiting: number
}

/** Lets requests wait, holding nothing but their connections. What wait at a time is bounded, and so is how many pass in an hour. */
export class Slowdown {
  readonly #options: SlowdownOptions
  readonly #waiting = new Map<string, number>()
  #all = 0

  constructor(options: SlowdownOptions) {
    this.#options = options
  }

  /** Resolves to true after the delay, to false at once where too many are waiting already. */
  async wait(key: string): Promise<boolean> {
    const { delayMs, waitingOfKey, waiting } = this.#options
    const count = this.#waiting.get(key) ?? 0
    if (count >= waitingOfKey || this.#all >= waiting) return false
    this.#waiting.set(key, count + 1)
    this.#all++
    // Its place is taken for the whole time, whether or not the client is still there: hanging up makes nobody faster.
    await sleep(delayMs)
    this.#all--
    const left = (this.#waiting.get(key) ?? 1) - 1
    if (left === 0) this.#waiting.delete(key)
    else this.#waiting.set(key, left)
    return true
  }
}
