/** Resolves when all events that have arrived by now have been handled. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Coalesces equal queries within one turn of the event loop. The query is sent at the end of the turn, after the last
 * of its callers has asked. So each gets an answer as fresh as that of a query of its own, which joining a query in
 * flight would not guarantee.
 */
export class OncePerTurn<T> {
  readonly #pending = new Map<string, Promise<T>>()

  /** `send` is called for the first caller, and its answer is shared with the others. */
  ask(query: string, send: () => Promise<T>): Promise<T> {
    const pending = this.#pending.get(query)
    if (pending !== undefined) return pending
    const answer = endOfTurn().then(() => {
      this.#pending.delete(query)
      return send()
    })
    this.#pending.set(query, answer)
    return answer
  }
}
