import { QUEUE_LOCK } from '#database/advisory-locks.ts'
import type { Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'

/** How many generations may be queued or running; 0 means no limit. */
export interface QueueLimits {
  readonly max: number
  readonly maxPerUser: number
}

/** A generation takes about a minute, and then there is room for one more. */
const RETRY_AFTER_S = 60

/**
 * Makes sure that there is room for one more generation, until the transaction ends. `unfinished` is the number of the
 * user's; the user's row is locked. Throws 429 when the user has too many, 503 when all users together have.
 */
export async function requireRoom(
  tx: Transaction,
  unfinished: number,
  { max, maxPerUser }: QueueLimits
): Promise<void> {
  const headers = { 'Retry-After': String(RETRY_AFTER_S) }
  if (maxPerUser > 0 && unfinished >= maxPerUser) {
    const message = `you may have at most ${maxPerUser} unfinished generations: wait for one, or cancel it`
    throw new ApiError(429, 'TOO_MANY_GENERATIONS', message, headers)
  }
  if (max === 0) return
  await tx.$executeRaw`select pg_advisory_xact_lock(${QUEUE_LOCK}::bigint)`
  const [{ all }] = await tx.$queryRaw<[{ all: number }]>`
    select count(*)::int as all from (
      select from generation_job where status in ('queued', 'running') limit ${max}
    ) as waiting`
  if (all >= max)
    throw new ApiError(503, 'QUEUE_FULL', 'too many courses are waiting to be written: try again later', headers)
}
