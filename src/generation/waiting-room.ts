import { QUEUE_LOCK } from '#database/advisory-locks.ts'
import type { Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'

/** How many generations may be under way or wait; 0 is off. */
export interface QueueLimits {
  readonly max: number
  readonly maxPerUser: number
}

/** A generation takes a minute or so, and then there is room for one more. */
const RETRY_AFTER_S = 60

/**
 * Makes sure that there is room for one more generation, until the transaction ends. `unfinished` are those of the user, who is
 * locked. Throws 429 where he has too many, 503 where all have.
 */
export async function requireRoom(
  tx: Transaction,
  unfinished: number,
  { max, maxPerUser }: QueueLimits
): Promise<void> {
  const headers = { 'Retry-After': String(RETRY_AFTER_S) }
  if (maxPerUser > 0 && unfinished >= maxPerUser) {
    const message = `no more of your generations may be under way than ${maxPerUser}: wait for one, or cancel it`
    throw new ApiError(429, 'TOO_MANY_GENERATIONS', message, headers)
  }
  if (max === 0) return
  await tx.$executeRaw`select pg_advisory_xact_lock(${QUEUE_LOCK}::bigint)`
  const [{ all }] = await tx.$queryRaw<[{ all: number }]>`
    select count(*)::int as all from (
      select from generation_job where status in ('queued', 'running') limit ${max}
    ) as waiting`
  if (all >= max) throw new ApiError(503, 'QUEUE_FULL', 'too many courses wait to be written: try again later', headers)
}
