/** A part of what the cache does, of which somebody is told while it is done. */
export interface Activity {
  /** Runs `task` as a part of it: what that asks of Redis or the database belongs to it. */
  run<T>(task: () => T): T
  /** It is over; `result` is a word for how it ended. */
  end(result: string): void
}

/** Told when a look-up or a load of a key begins, or an invalidation of so many tags. */
export interface Observer {
  lookUp(key: string): Activity
  load(key: string): Activity
  invalidate(tags: number): Activity
}

/** Runs `task` as the activity, where there is one; `resultOf` says how it ended. */
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
