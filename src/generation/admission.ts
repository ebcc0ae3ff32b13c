import type { Actor } from '#courses/catalogue.ts'
import type { Quotas } from '#courses/quota.ts'
import type { Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import type { ModelBudget } from './model-budget.ts'
import { type QueueLimits, requireRoom } from './waiting-room.ts'

const HOUR_S = 3600

/** What is left of a user's generations in this hour. */
export interface Allowance {
  readonly limit: number
  readonly remaining: number
  /** Seconds until one more is allowed than now. */
  readonly resetS: number
}

export interface AdmissionOptions {
  /** Generations an hour of one user; 0 is off. */
  readonly limit: number
  readonly queueLimits: QueueLimits
  readonly budget: Pick<ModelBudget, 'requireSome'>
  readonly quotas: Quotas
}

/** What a generation has to pass before it is enqueued; all of it in the transaction that does so, under a lock on the user. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /**
   * Takes one of the user's generations of this hour; null where they are not limited. The rows themselves are counted, so that what is
   * refused or repeated does not count. Throws 429 when they are used up.
   */
  async spendHour(tx: Transaction, userId: number): Promise<Allowance | null> {
    const { limit } = this.#options
    if (limit === 0) return null
    const [{ used, oldest_s }] = await tx.$queryRaw<[{ used: number; oldest_s: number }]>`
      select count(*)::int as used, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_s
      from (
        select created_at from generation_job
        where user_id = ${userId} and created_at > now() - interval '1 hour' order by created_at desc limit ${limit}
      ) as latest`
    const resetS = Math.max(1, Math.ceil(HOUR_S - oldest_s))
    if (used < limit) return { limit, remaining: limit - used - 1, resetS }
    throw new ApiError(
      429,
      'RATE_LIMITED',
      `no more generations an hour are allowed than ${limit}: Retry-After says when the next one is`,
      { 'Retry-After': String(resetS), ...allowanceHeaders({ limit, remaining: 0, resetS }) }
    )
  }

  /** Throws 503 while the model may be asked nothing. */
  requireBudget(tx: Transaction): Promise<void> {
    return this.#options.budget.requireSome(tx)
  }

  /**
   * Makes sure that one more generation may wait; resolves to how many of the user's are under way. Throws 429 and 503 where too many
   * are, and 409 where the account has no room for its text or, where it is to become one, for the course.
   */
  async requireRoom(tx: Transaction, actor: Actor, { makesCourse }: { makesCourse: boolean }): Promise<number> {
    const { quotas, queueLimits } = this.#options
    const where = { userId: actor.id, status: { in: ['queued' as const, 'running' as const] } }
    const unfinished = await tx.generationJob.count({ where })
    if (makesCourse) await quotas.requireCourse(tx, actor)
    await quotas.requireText(tx, actor)
    await requireRoom(tx, unfinished, queueLimits)
    return unfinished
  }
}

/** The headers that tell a client what is left of its limit. */
export function allowanceHeaders({ limit, remaining, resetS }: Allowance): Record<string, string> {
  return {
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String(resetS)
  }
}
