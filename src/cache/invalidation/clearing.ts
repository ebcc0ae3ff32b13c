import type { Store } from '../store/store.ts'

/** Told after each step: how many matching keys were found so far, and which part of the keyspace was looked at, 0 to 1. */
export type Progress = (found: number, part: number) => void

/** Removes the cached data whose keys match a Redis glob, step by step; resolves to how many there were. */
export async function deleteMatching(store: Store, pattern: string, progress?: Progress): Promise<number> {
  let deleted = 0
  for await (const { keys, part } of store.matching(pattern)) {
    deleted += await store.delete(keys)
    progress?.(deleted, part)
  }
  return deleted
}

/** How many keys `deleteMatching` would remove. */
export async function countMatching(store: Store, pattern: string, progress?: Progress): Promise<number> {
  // A key may be found twice while the keyspace grows or shrinks.
  const found = new Set<string>()
  for await (const { keys, part } of store.matching(pattern)) {
    for (const key of keys) found.add(key)
    progress?.(found.size, part)
  }
  return found.size
}
