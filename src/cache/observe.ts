/** An operation of the cache that is observed while it runs: a span, for a tracer. */
export interface Activity {
  /** Runs `task` as a part of it: queries to Redis or the database are attributed to it. */
  run<T>(task: () => T): T
  /** Ends it; `result` says how, in one word. */
  end(result: string): void
}

/** Notified when a look-up or a load of a key begins, or an invalidation of this many tags. */
export interface Observer {
  lookUp(key: string): Activity
  load(key: string): Activity
  invalidate(tags: number): Activity
}

/** Runs `task` as the activity, if there is one; `resultOf` names the result. */
export async function observed<T>(
  activity: Activity | undefined,
  task: () => Promise<T>,
  resultOf: (value: T) => string
): Promise<T> {
  if (activity === undefined) return task()
  try {
    const value = await activity.run(task)
    activity.end(resultOf(value))
    return value
  } catch (error) {
    activity.end('failed')
    throw error
  }
}
