import { randomInt } from 'node:crypto'

const MAX_FIRST_EPOCH = 1_000_000_000

/**
 * The session epoch of a new account. Random: where ids come again, after a restore or in another database, a session of
 * the old account does not fit the new one.
 */
export function firstEpoch(): number {
  return randomInt(MAX_FIRST_EPOCH)
}
