import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../store/store.ts'

/** How long a process may hold others up, in ms, crashed or slow: then they load for themselves. */
const LOCK_TTL_MS = 1500
const FIRST_POLL_MS = 4
const LONGEST_POLL_MS = 50

/** The right to load, until `release`. */
export interface ProcessLock {
  /** It never rejects. */
  release(): Promise<void>
}

/** For a load that nobody waits for in another process. */
export const noLock: ProcessLock = { release: async () => {} }

/**
 * Single flight between processes: one of those that miss the same entry under the same stamps gets a short lock in the store, and
 * loads; the others wait until `find` has what it stored, or until they may load, too. `name` contains key and stamps. A store that
 * fails costs a load, never an error.
 */
export async function lockOrFind<T>(
  store: Store,
  name: string,
  find: () => Promise<T | null>
): Promise<{ found: T } | { lock: ProcessLock }> {
  const giveUpAt = performance.now() + LOCK_TTL_MS
  let poll = FIRST_POLL_MS
  while (!(await store.lock(name, LOCK_TTL_MS).catch(() => true))) {
    // A part of it is random, so that the waiting processes do not all ask at once.
    await sleep(poll * (0.5 + Math.random() / 2))
    const found = await find().catch(() => null)
    if (found !== null) return { found }
    if (performance.now() > giveUpAt) return { lock: noLock }
    poll = Math.min(2 * poll, LONGEST_POLL_MS)
  }
  const lock = { release: () => store.unlock(name).catch(() => {}) }
  // Another process may have stored it, and unlocked, between our look-up and our lock.
  const found = await find().catch(() => null)
  if (found === null) return { lock }
  await lock.release()
  return { found }
}
