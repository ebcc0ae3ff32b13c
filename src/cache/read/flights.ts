import type { Entry } from '../entry.ts'
import type { Check } from '../l1/memory-tier.ts'

/** An entry, with the check that watches all its tags since before it was loaded. */
export interface Loaded {
  readonly entry: Entry
  readonly check: Check
}

/** A load that is under way in this process, for which others wait. It ends once, by `land` or `abandon`. */
export class Flight {
  /** Resolves to null when the load was abandoned without an error: whoever waits may load. */
  readonly landed: Promise<Loaded | null>
  readonly #land: (loaded: Loaded | null) => void
  readonly #fail: (error: unknown) => void
  readonly #ended: () => void
  #isAwaited = false

  /** `ended` is called before anybody who waits goes on. */
  constructor(ended: () => void) {
    const { promise, resolve, reject } = Promise.withResolvers<Loaded | null>()
    // There may be nobody who waits.
    promise.catch(() => {})
    this.landed = promise
    this.#land = resolve
    this.#fail = reject
    this.#ended = ended
  }

  /** Somebody has waited for it, who may have given up since. */
  get isAwaited(): boolean {
    return this.#isAwaited
  }

  /** As `landed`, for those who did not begin it. */
  join(): Promise<Loaded | null> {
    this.#isAwaited = true
    return this.landed
  }

  land(loaded: Loaded): void {
    this.#ended()
    this.#land(loaded)
  }

  /** An error reaches everybody who waits; without one, the next of them loads. */
  abandon(error?: unknown): void {
    this.#ended()
    if (error === undefined) this.#land(null)
    else this.#fail(error)
  }
}

/**
 * Single flight in this process: concurrent loads of one name are one. The name must contain everything that is known beforehand
 * of what the answer depends on: the reader puts the stamps into it, so that a read after a write does not join a load from before.
 */
export class Flights {
  readonly #underway = new Map<string, Flight>()

  /**
   * What the flight under way has loaded, or a new flight, which the caller has to end. What was joined is shown to `holds`, for
   * what only the loaded entry can tell; where it does not hold, the next flight is joined or begun, and that one began after us.
   */
  async join(name: string, holds: (loaded: Loaded) => boolean | Promise<boolean>): Promise<Loaded | Flight> {
    for (let beganAfterUs = false; ; beganAfterUs = true) {
      const underway = this.#underway.get(name)
      if (underway === undefined) return this.#begin(name)
      const loaded = await underway.join()
      if (loaded !== null && (beganAfterUs || (await holds(loaded)))) return loaded
    }
  }

  #begin(name: string): Flight {
    const flight = new Flight(() => this.#underway.delete(name))
    this.#underway.set(name, flight)
    return flight
  }
}
