import { setTimeout as sleep } from 'node:timers/promises'
import { sqlState } from './unavailable.ts'

/** Requests wait behind a migration that waits for a lock, and no longer than they wait for anything. */
const LOCK_TIMEOUT_MS = 1000
const PAUSE_MS = 2000
/** Whoever holds a lock for longer than all of these together, as a dump of a large database, is to be waited for by the operator. */
const ATTEMPTS = 60
const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Runs a migration with `run`, as one transaction. If it cannot get a lock within a second, the transaction is rolled back, which lets the
 * requests behind it pass, and is repeated two seconds later, for three minutes. Each time `waits` is called.
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
