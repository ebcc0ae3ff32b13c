/**
 * Joins concurrent calls for one key into one. The key must name everything that the answer depends on:
 * the cache puts the stamps into it, so that a reader who arrives after a write does not join a load from before.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>()

  run(key: string, load: () => Promise<T>): Promise<T> {
    const underway = this.#flights.get(key)
    if (underway !== undefined) return underway
    const flight = load().finally(() => this.#flights.delete(key))
    this.#flights.set(key, flight)
    return flight
  }
}
