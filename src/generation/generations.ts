import { hash } from 'node:crypto'
import type { Actor } from '#courses/catalogue.ts'
import type { Quotas } from '#courses/quota.ts'
import { requireCategory } from '#courses/require-category.ts'
import { MOST_COUNTED } from '#database/counts.ts'
import type { Database, Transaction } from '#database/database.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { type Page, toPage } from '#http/paging.ts'
import { lockAccountForChange } from '#users/accounts.ts'
import type { ModelBudget } from './model-budget.ts'
import { languageProblem, type ModelProvider } from './provider.ts'
import type { GenerationQueue } from './queue.ts'
import { type GenerationRecord, type GenerationRecords, jobSelect, toGeneration, toRecord } from './records.ts'
import type { Generation, NewGeneration } from './shapes.ts'
import { type QueueLimits, requireRoom } from './waiting-room.ts'

const HOUR_S = 3600

/** What is left of a user's generations in this hour. */
export interface Allowance {
  readonly limit: number
  readonly remaining: number
  /** Seconds until one more is allowed than now. */
  readonly resetS: number
}

export interface GenerationsOptions {
  readonly database: Database
  readonly records: GenerationRecords
  readonly queue: GenerationQueue
  readonly provider: Pick<ModelProvider, 'name' | 'languages'>
  /** Generations an hour of one user; 0 is off. */
  readonly limit: number
  readonly queueLimits: QueueLimits
  readonly budget: Pick<ModelBudget, 'requireSome'>
  readonly quotas: Quotas
}

/** What users do with their generations. What is not theirs is not found. */
export class Generations {
  readonly #options: GenerationsOptions

  constructor(options: GenerationsOptions) {
    this.#options = options
  }

  /**
   * Writes a generation and enqueues it, in one transaction. The same key of the same user returns the generation that was
   * made with it, or throws 422 where the body was another. Throws 400 for a language that the provider does not write, 429 when the hour's are used up: the rows
   * themselves are counted, under a lock on the user, so that what is refused or repeated does not count. Throws 429 and 503
   * where too many wait, 503 while the model may be asked nothing, and 409 where the account has no room for the course.
   */
  async create(
    actor: Actor,
    input: NewGeneration,
    idempotencyKey: string | undefined
  ): Promise<{ generation: Generation; allowance: Allowance | null }> {
    const { database, records, queue, provider, queueLimits, budget, quotas } = this.#options
    const userId = actor.id
    const created = await database.write(async (tx) => {
      await lockAccountForChange(tx, userId)
      const earlier = await findByKey(tx, userId, idempotencyKey)
      const requestHash = idempotencyKey === undefined ? null : hashOf(input)
      if (earlier !== null) {
        // Those that were made before their hash was kept have none.
        if (earlier.requestHash !== null && earlier.requestHash !== requestHash) throw keyReused()
        return { row: earlier, allowance: null }
      }
      const problem = languageProblem(provider, input.language)
      if (problem !== null) throw new ApiError(400, 'VALIDATION_FAILED', problem)
      await budget.requireSome(tx)
      const allowance = await this.#spend(tx, userId)
      const { modules: moduleCount, categoryId, ...wanted } = input
      await requireCategory(tx, categoryId)
      const data = { ...wanted, categoryId, moduleCount, userId, idempotencyKey, requestHash }
      const unfinished = await tx.generationJob.count({ where: { userId, status: { in: ['queued', 'running'] } } })
      await quotas.requireCourse(tx, actor)
      await quotas.requireText(tx, actor)
      await requireRoom(tx, unfinished, queueLimits)
      const row = await tx.generationJob.create({ data, select: jobSelect })
      // Fair queueing: the more of his are under way, the later a user's next one comes; a first one passes them all.
      await queue.enqueue(tx, row.id, -unfinished)
      return { row, allowance }
    })
    await records.refresh(created.row.id)
    return { generation: toGeneration(created.row), allowance: created.allowance }
  }

  /** The newest first. `signal` cancels it. */
  async list(userId: number, paging: { page: number; limit: number }, signal?: AbortSignal): Promise<Page<Generation>> {
    const read = async (tx: Transaction) => ({
      rows: await tx.generationJob.findMany({
        where: { userId },
        select: jobSelect,
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        skip: (paging.page - 1) * paging.limit,
        take: paging.limit
      }),
      total: await tx.generationJob.count({ where: { userId } })
    })
    const { rows, total } = await this.#options.database.read('lists', read, signal)
    return toPage(rows.map(toGeneration), total, paging)
  }

  /** How many generations of everybody there are, by status. */
  async countByStatus(): Promise<Record<Generation['status'], number>> {
    const counts = { queued: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
    const rows = await this.#options.database.sql.query<{ status: Generation['status']; count: number }>(
      `select status::text, (select count(*) from (
         select from generation_job where status = every.status limit ${MOST_COUNTED}) as counted)::int as count
       from unnest(enum_range(null::generation_status)) as every (status)`
    )
    for (const { status, count } of rows) counts[status] = count
    return counts
  }

  /** Throws `NotFoundError` for one of somebody else, too. */
  async find(userId: number, id: string): Promise<GenerationRecord> {
    const record = await this.#options.records.find(id.toLowerCase())
    if (record.ownerId !== userId) throw new NotFoundError('generation')
    return record
  }

  /** Ends a generation that is not over: its worker asks the model no more. Throws 409 when it is over already. */
  async cancel(userId: number, id: string): Promise<Generation> {
    const { database, records } = this.#options
    const where = { id: id.toLowerCase(), userId }
    const row = await database.write(async (tx) => {
      const { count } = await tx.generationJob.updateMany({
        where: { ...where, status: { in: ['queued', 'running'] } },
        data: { status: 'cancelled', errorCode: 'CANCELLED' }
      })
      const found = await tx.generationJob.findUnique({ where, select: jobSelect })
      if (found === null) throw new NotFoundError('generation')
      return { ...found, cancelled: count > 0 }
    })
    if (!row.cancelled) {
      await records.current(row.id)
      throw new ApiError(409, 'GENERATION_OVER', `the generation is ${row.status} already`)
    }
    await records.refresh(row.id)
    return toRecord(row).generation
  }

  async #spend(tx: Transaction, userId: number): Promise<Allowance | null> {
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
}

/** The headers that tell a client what is left of its limit. */
export function allowanceHeaders({ limit, remaining, resetS }: Allowance): Record<string, string> {
  return {
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String(resetS)
  }
}

async function findByKey(tx: Transaction, userId: number, idempotencyKey: string | undefined) {
  if (idempotencyKey === undefined) return null
  const where = { userId_idempotencyKey: { userId, idempotencyKey } }
  return tx.generationJob.findUnique({ where, select: { ...jobSelect, requestHash: true } })
}

/** The same for the same request, in whatever order its fields came. */
function hashOf(input: NewGeneration): string {
  return hash('sha256', JSON.stringify(Object.entries(input).sort()), 'base64url')
}

function keyReused(): ApiError {
  return new ApiError(
    422,
    'IDEMPOTENCY_KEY_REUSED',
    'Idempotency-Key was used for another body: use a new key for a new request'
  )
}
