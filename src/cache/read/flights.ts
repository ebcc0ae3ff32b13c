import type { Entry } from '../entry.ts'
import type { Check } from '../l1/memory-tier.ts'

/** An entry, with the check that has watched all its tags since before it was loaded. */
export interface Loaded {
  readonly entry: Entry
  readonly check: Check
}

/** A load in progress in this process, which others may wait for. It ends once, with `land` or `abandon`. */
export class Flight {
  /** Resolves to null if the load was abandoned without an error: one of those waiting then loads. */
  readonly landed: Promise<Loaded | null>
  readonly #land: (loaded: Loaded | null) => void
  readonly #fail: (error: unknown) => void
  readonly #ended: () => void
  #isAwaited = false

  /** `ended` is called before those waiting resume. */
  constructor(ended: () => void) {
    const { promise, resolve, reject } = Promise.withResolvers<Loaded | null>()
    // Possibly nobody waits for it.
    promise.catch(() => {})
    this.landed = promise
    this.#land = resolve
    this.#fail = reject
    this.#ended = ended
  }

  /** True if anybody has ever waited for it; they may have given up since. */
  get isAwaited(): boolean {
    return this.#isAwaited
  }

  /** Like `landed`, for those who did not begin the load. */
  join(): Promise<Loaded | null> {
    this.#isAwaited = true
    return this.landed
  }

  land(loaded: Loaded): void {
    this.#ended()
    this.#land(loaded)
  }

  /** Passes an error to all who wait; without one, the next of them loads. */
  abandon(error?: unknown): void {
    this.#ended()
    if (error === undefined) this.#land(null)
    else this.#fail(error)
  }
}

/**
 * Single flight in this process: concurrent loads with the same name share one. The name must contain everything that
 * the answer is known to depend on: the reader includes the stamps, so that a read after a write does not join a load
 * from before it.
 */
export class Flights {
  readonly #underway = new Map<string, Flight>()

  /**
   * The result of the flight in progress, or a new flight, which the caller has to end. `isUsable` decides whether the
   * joined result may be used, as only the loaded entry can tell. If not, the next flight is joined or begun; it began
   * after this call.
   */
  async join(name: string, isUsable: (loaded: Loaded) => boolean | Promise<boolean>): Promise<Loaded | Flight> {
    for (let beganAfterUs = false; ; beganAfterUs = true) {
      const underway = this.#underway.get(name)
      if (underway === undefined) return this.#begin(name)
      const loaded = await underway.join()
      if (loaded !== null && (beganAfterUs || (await isUsable(loaded)))) return loaded
    }
  }

  #begin(name: string): Flight {
    const flight = new Flight(() => this.#underway.delete(name))
    this.#underway.set(name, flight)
    return flight
  }
}
