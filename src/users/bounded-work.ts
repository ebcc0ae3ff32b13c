import { ApiError } from '#http/errors.ts'

/** Work of which only so much runs at a time, and only so much waits, so that a storm of it takes neither all threads nor everybody's time. */
export class BoundedWork {
  readonly #max: number
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(max: number, maxWaiting: number) {
    this.#max = max
    this.#maxWaiting = maxWaiting
  }

  /** Runs `task` in its turn; throws 503 with `Retry-After` when too much is waiting already. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#max) this.#running++
    else if (this.#waiting.length < this.#maxWaiting) {
      // Whoever ends hands its place over.
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else throw new ApiError(503, 'OVERLOADED', 'too many sign-ins at once: try again', { 'Retry-After': '2' })
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
