type Holds<T> = (answer: T) => boolean | Promise<boolean>

/**
 * Joins concurrent calls for one key into one. The key must name everything that is known beforehand of what the answer depends
 * on: the cache puts the stamps into it, so that a reader who arrives after a write does not join a load from before.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>()

  /**
   * What `load` resolves to, or the call that is under way. What was joined is shown to `holds`, for what only the answer can
   * tell; where it does not hold, the next call is joined or begun, and that one began after us.
   */
  async run(key: string, load: () => Promise<T>, holds: Holds<T> = () => true): Promise<T> {
    const underway = this.#flights.get(key)
    if (underway === undefined) return this.#begin(key, load)
    const answer = await underway
    if (await holds(answer)) return answer
    return this.#flights.get(key) ?? this.#begin(key, load)
  }

  #begin(key: string, load: () => Promise<T>): Promise<T> {
    const flight = load().finally(() => this.#flights.delete(key))
    this.#flights.set(key, flight)
    return flight
  }
}
