import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../store/store.ts'

/** How long others wait for a process that has crashed or is slow, in ms; then they load for themselves. */
const LOCK_TTL_MS = 1500
const FIRST_POLL_MS = 4
const LONGEST_POLL_MS = 50

/** The right to load, until `release`. */
export interface ProcessLock {
  /** It never rejects. */
  release(): Promise<void>
}

/** For a load that no other process waits for. */
export const noLock: ProcessLock = { release: async () => {} }

/**
 * Single flight between processes. Of those that miss the same entry under the same stamps, one gets a short lock in
 * the store and loads; the others poll `find` until the entry is stored, or until they may load, too. `name` contains
 * the key and the stamps. If the store fails, the caller loads; this never rejects.
 */
export async function lockOrFind<T>(
  store: Store,
  name: string,
  find: () => Promise<T | null>
): Promise<{ found: T } | { lock: ProcessLock }> {
  const giveUpAt = performance.now() + LOCK_TTL_MS
  let poll = FIRST_POLL_MS
  while (!(await store.lock(name, LOCK_TTL_MS).catch(() => true))) {
    // With jitter, so that the waiting processes do not all poll at once.
    await sleep(poll * (0.5 + Math.random() / 2))
    const found = await find().catch(() => null)
    if (found !== null) return { found }
    if (performance.now() > giveUpAt) return { lock: noLock }
    poll = Math.min(2 * poll, LONGEST_POLL_MS)
  }
  const lock = { release: () => store.unlock(name).catch(() => {}) }
  // Another process may have stored the entry and released the lock between our look-up and our lock.
  const found = await find().catch(() => null)
  if (found === null) return { lock }
  await lock.release()
  return { found }
}
