import { randomInt } from 'node:crypto'

const MAX_FIRST_EPOCH = 1_000_000_000

/**
 * The session epoch of a new account. It is random because ids may be reused, after a restore or in another database: a
 * session of the old account must not be valid for the new one.
 */
export function firstEpoch(): number {
  return randomInt(MAX_FIRST_EPOCH)
}
