import type { Store } from '../store/store.ts'

/**
 * Called after each step, with the number of matching keys found so far and the fraction of the keyspace scanned, 0 to
 * 1.
 */
export type Progress = (found: number, fraction: number) => void

/** Removes the cached data whose keys match a Redis glob, step by step; resolves to the number of keys removed. */
export async function deleteMatching(store: Store, pattern: string, progress?: Progress): Promise<number> {
  let deleted = 0
  for await (const { keys, fraction } of store.matching(pattern)) {
    deleted += await store.delete(keys)
    progress?.(deleted, fraction)
  }
  return deleted
}

/** How many keys `deleteMatching` would remove. */
export async function countMatching(store: Store, pattern: string, progress?: Progress): Promise<number> {
  // SCAN may return a key twice while the keyspace grows or shrinks.
  const found = new Set<string>()
  for await (const { keys, fraction } of store.matching(pattern)) {
    for (const key of keys) found.add(key)
    progress?.(found.size, fraction)
  }
  return found.size
}
