import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 5

/** Waits until `condition` holds; resolves to how long that took, in ms, or rejects when it took too long. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<number> {
  const start = performance.now()
  while (!(await condition())) {
    if (performance.now() - start > withinMs) throw new Error(`not so after ${withinMs} ms`)
    await sleep(POLL_MS)
  }
  return performance.now() - start
}

/** What a task resolves to, and how long it took, in ms. */
export async function timed<T>(task: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now()
  return [await task(), performance.now() - start]
}
