/** Resolves when the events that have come in by now have all been taken. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Puts one question for all who ask the same within a turn of the event loop. It is put at the end of the turn, when the last of
 * them has begun to ask: so each gets an answer as new as if he had asked alone, which joining a question under way would not give.
 */
export class OncePerTurn<T> {
  readonly #open = new Map<string, Promise<T>>()

  /** `put` is called for the first who asks, and answers the others too. */
  ask(question: string, put: () => Promise<T>): Promise<T> {
    const open = this.#open.get(question)
    if (open !== undefined) return open
    const answer = endOfTurn().then(() => {
      this.#open.delete(question)
      return put()
    })
    this.#open.set(question, answer)
    return answer
  }
}
