import type { Actor } from '#courses/catalogue.ts'
import type { Quotas } from '#courses/quota.ts'
import type { Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import type { ModelBudget } from './model-budget.ts'
import { type QueueLimits, requireRoom } from './waiting-room.ts'

const HOUR_S = 3600

/** A user's hourly quota of generations, and what is left of it. */
export interface Allowance {
  readonly limit: number
  readonly remaining: number
  /** Seconds until `remaining` grows by one. */
  readonly resetS: number
}

export interface AdmissionOptions {
  /** Generations per user and hour; 0 means no limit. */
  readonly limit: number
  readonly queueLimits: QueueLimits
  readonly budget: Pick<ModelBudget, 'requireSome'>
  readonly quotas: Quotas
}

/**
 * The checks a generation has to pass before it is enqueued. They run in the enqueuing transaction, which holds a lock
 * on the user.
 */
export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /**
   * Uses one of the user's generations for this hour; resolves to null where there is no limit. It counts the rows
   * themselves, so refused and repeated requests do not count. Throws 429 once the quota is used up.
   */
  async useHourlyQuota(tx: Transaction, userId: number): Promise<Allowance | null> {
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
      `at most ${limit} generations an hour are allowed: Retry-After says when the next one is`,
      { 'Retry-After': String(resetS), ...allowanceHeaders({ limit, remaining: 0, resetS }) }
    )
  }

  /** Throws 503 while the budget of questions to the model is spent. */
  requireBudget(tx: Transaction): Promise<void> {
    return this.#options.budget.requireSome(tx)
  }

  /**
   * Makes sure that one more generation may be queued; resolves to how many of the user's are unfinished. Throws 429 or
   * 503 when too many are, and 409 when the account has no room for more text or, with `makesCourse`, for another
   * course.
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

/** The headers that tell a client how much of its quota is left. */
export function allowanceHeaders({ limit, remaining, resetS }: Allowance): Record<string, string> {
  return {
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String(resetS)
  }
}
