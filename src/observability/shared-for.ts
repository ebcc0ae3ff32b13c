/**
 * A function that shares an answer: whoever calls it while `ask` is under way, and for `ms` milliseconds after, gets the same. A failure
 * is for those who have waited for it, and is not kept.
 */
export function sharedFor<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let shared: Promise<T> | null = null
  let until = Number.POSITIVE_INFINITY
  return () => {
    if (shared !== null && performance.now() < until) return shared
    until = Number.POSITIVE_INFINITY
    const asked = ask()
    shared = asked
    asked.then(
      () => {
        until = performance.now() + ms
      },
      () => {
        shared = null
      }
    )
    return asked
  }
}
