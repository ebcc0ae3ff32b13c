import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 5

/** Waits until `condition` holds; resolves to the time that took, in ms, or rejects if it takes too long. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<number> {
  const start = performance.now()
  while (!(await condition())) {
    if (performance.now() - start > withinMs) throw new Error(`the condition does not hold after ${withinMs} ms`)
    await sleep(POLL_MS)
  }
  return performance.now() - start
}

/** The result of a task, and the time that it took, in ms. */
export async function timed<T>(task: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now()
  return [await task(), performance.now() - start]
}
