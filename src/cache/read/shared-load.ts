import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../store/store.ts'

/** How long a process may hold others up, in ms, crashed or slow: then they load for themselves. */
const LOCK_TTL_MS = 1500
const FIRST_POLL_MS = 4
const LONGEST_POLL_MS = 50

/**
 * Single flight between processes: one of those that miss the same entry under the same stamps loads it, under a short
 * lock in the store; the others wait until `lookUp` finds what it stored. `name` says key and stamps. A store that
 * fails costs a load, never an error.
 */
export async function loadOnce<T>(
  store: Store,
  name: string,
  lookUp: () => Promise<T | null>,
  load: () => Promise<T>
): Promise<T> {
  const giveUpAt = performance.now() + LOCK_TTL_MS
  let poll = FIRST_POLL_MS
  while (!(await store.lock(name, LOCK_TTL_MS).catch(() => true))) {
    // A part of it at random, so that the waiting processes do not all ask at once.
    await sleep(poll * (0.5 + Math.random() / 2))
    const found = await lookUp().catch(() => null)
    if (found !== null) return found
    if (performance.now() > giveUpAt) return load()
    poll = Math.min(2 * poll, LONGEST_POLL_MS)
  }
  try {
    // Somebody may have stored it, and unlocked, between our look-up and our lock.
    return (await lookUp().catch(() => null)) ?? (await load())
  } finally {
    await store.unlock(name).catch(() => {})
  }
}
