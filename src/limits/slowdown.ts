import { setTimeout as sleep } from 'node:timers/promises'
import { Holdings } from '#bounds/holdings.ts'

export interface SlowdownOptions {
  readonly delayMs: number
  /** How many requests may wait at a time, per key and in total. */
  readonly waitingOfKey: number
  readonly waiting: number
}

/**
 * Delays requests, which then hold only their connections. The number of waiting requests is bounded, and so the rate
 * at which they pass.
 */
export class Slowdown {
  readonly #options: SlowdownOptions
  readonly #waiting = new Holdings<string>()
  #all = 0

  constructor(options: SlowdownOptions) {
    this.#options = options
  }

  /** Resolves to true after the delay, or to false at once if too many are already waiting. */
  async wait(key: string): Promise<boolean> {
    const { delayMs, waitingOfKey, waiting } = this.#options
    if (this.#waiting.of(key) >= waitingOfKey || this.#all >= waiting) return false
    this.#waiting.add(key)
    this.#all++
    // The place stays taken for the whole delay even if the client hangs up: otherwise hanging up would bypass the
    // bound.
    await sleep(delayMs)
    this.#all--
    this.#waiting.release(key)
    return true
  }
}
