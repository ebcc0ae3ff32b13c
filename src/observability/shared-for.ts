/**
 * Wraps `ask` so that calls share its answer while it is under way and for `ms` milliseconds afterwards. A failure is
 * passed to the callers that waited for it, but is not cached.
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
