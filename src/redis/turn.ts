/** Resolves when the events that have come in by now have all been taken. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Puts one question for all who ask the same within a turn of the event loop. It is put at the end of the turn, when the last of
 * them has begun to ask: so each gets an answer as new as if he had asked alone, which joining a question under way would not give.
 */
export class OncePerTurn<T> {
  readonly #put: (question: string) => Promise<T>
  readonly #open = new Map<string, Promise<T>>()

  constructor(put: (question: string) => Promise<T>) {
    this.#put = put
  }

  ask(question: string): Promise<T> {
    const open = this.#open.get(question)
    if (open !== undefined) return open
    const answer = endOfTurn().then(() => {
      this.#open.delete(question)
      return this.#put(question)
    })
    this.#open.set(question, answer)
    return answer
  }
}
