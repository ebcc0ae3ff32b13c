import { ApiError } from '#http/errors.ts'

/** Work of which only so much may be under way, so that a storm of it does not make everybody wait. */
export class BoundedWork {
  readonly #max: number
  #underway = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Runs `task`; throws 503 with `Retry-After` when there is too much already. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#underway >= this.#max) {
      throw new ApiError(503, 'OVERLOADED', 'too many sign-ins at once: try again', { 'Retry-After': '2' })
    }
    this.#underway++
    try {
      return await task()
    } finally {
      this.#underway--
    }
  }
}
