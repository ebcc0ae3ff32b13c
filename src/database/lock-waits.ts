import { setTimeout as sleep } from 'node:timers/promises'
import { sqlState } from './unavailable.ts'

/** Requests queue behind a migration that waits for a lock, so it may only wait briefly. */
const LOCK_TIMEOUT_MS = 1000
const PAUSE_MS = 2000
/**
 * If something holds a lock for longer than all attempts take, such as the dump of a large database, the operator has
 * to wait for it.
 */
const ATTEMPTS = 60
const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Runs a migration with `run`, as one transaction. If it cannot get a lock within a second, the transaction is rolled
 * back, so that the requests behind it can proceed, and retried two seconds later, for three minutes. `waits` is called
 * before each retry.
 */
export async function withShortLockWaits(
  script: string,
  run: (script: string) => Promise<unknown>,
  waits: () => void
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await run(`set local lock_timeout = ${LOCK_TIMEOUT_MS}; ${script}`)
      return
    } catch (error) {
      if (sqlState(error) !== LOCK_NOT_AVAILABLE || attempt === ATTEMPTS) throw error
      waits()
      await sleep(PAUSE_MS)
    }
  }
}
