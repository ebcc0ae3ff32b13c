import { hash } from 'node:crypto'
import { type Actor, visibleTo } from '#courses/catalogue.ts'
import { lockCourse } from '#courses/course-lock.ts'
import { requireCategory } from '#courses/require-category.ts'
import { MOST_COUNTED } from '#database/counts.ts'
import type { Database, Transaction } from '#database/database.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { type Page, toPage } from '#http/paging.ts'
import { lockAccountForChange } from '#users/accounts.ts'
import type { Admission, Allowance } from './admission.ts'
import { digestOf, requireNotUnderWay } from './chapter-rewrites.ts'
import { languageProblem, type ModelProvider } from './provider.ts'
import { type GenerationQueue, nextRound, roundOf } from './queue.ts'
import { type GenerationRecord, type GenerationRecords, jobSelect, toGeneration, toRecord } from './records.ts'
import type { FinishedChapter, Generation, NewGeneration } from './shapes.ts'

/** How often one generation may be retried: so it never asks the model without end, though a retry does not count as one of the hour. */
const MAX_RETRIES = 10

export interface GenerationsOptions {
  readonly database: Database
  readonly records: GenerationRecords
  readonly queue: GenerationQueue
  readonly provider: Pick<ModelProvider, 'name' | 'languages'>
  readonly admission: Admission
}

/** What users do with their generations. What is not theirs is not found. */
export class Generations {
  readonly #options: GenerationsOptions

  constructor(options: GenerationsOptions) {
    this.#options = options
  }

  /**
   * Writes a generation and enqueues it, in one transaction. The same key of the same user returns the generation that was
   * made with it, or throws 422 where the body was another. Throws 400 for a language that the provider does not write, and what
   * `Admission` throws.
   */
  async create(
    actor: Actor,
    input: NewGeneration,
    idempotencyKey: string | undefined
  ): Promise<{ generation: Generation; allowance: Allowance | null }> {
    const { database, records, queue, provider, admission } = this.#options
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
      await admission.requireBudget(tx)
      const allowance = await admission.spendHour(tx, userId)
      const { modules: moduleCount, categoryId, ...wanted } = input
      await requireCategory(tx, categoryId)
      const data = { ...wanted, categoryId, moduleCount, userId, idempotencyKey, requestHash }
      const unfinished = await admission.requireRoom(tx, actor, { makesCourse: true })
      const row = await tx.generationJob.create({ data, select: jobSelect })
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

  /**
   * The chapters that are finished so far, in their order; once the generation is completed, as they are in the course now: none where the
   * actor may not see it any more.
   */
  async chapters(actor: Actor, id: string, signal?: AbortSignal): Promise<{ items: FinishedChapter[] }> {
    const { database, records } = this.#options
    await this.find(actor.id, id)
    const items = await records.chapters(id.toLowerCase())
    // After the chapters: those of a generation that was completed meanwhile have moved into the course.
    const { generation } = await this.find(actor.id, id)
    if (generation.status !== 'completed') return { items }
    return { items: await database.read('lists', (tx) => writtenChapters(tx, actor, generation), signal) }
  }

  /**
   * Lets a generation that failed or was cancelled go on from what it has; it keeps its id, and does not count as one more of the hour.
   * Throws 409 for any other, after too many retries, and where another one writes the same chapter; what a change of that chapter throws,
   * and what `Admission` throws.
   */
  async retry(actor: Actor, id: string): Promise<Generation> {
    const { database, records, queue, admission } = this.#options
    const where = { id: id.toLowerCase(), userId: actor.id }
    const row = await database.write(async (tx) => {
      const rewritten = await tx.chapter.findFirst({
        where: { generations: { some: where } },
        select: { courseId: true }
      })
      // The course first, as whoever has a chapter written again does.
      if (rewritten !== null) await lockCourse(tx, actor, rewritten.courseId)
      await lockAccountForChange(tx, actor.id)
      await tx.$queryRaw`select from generation_job where id = ${where.id}::uuid and user_id = ${actor.id} for update`
      const job = await tx.generationJob.findUnique({
        where,
        select: { status: true, attempt: true, chapterId: true, chapterDigest: true, chapter: true }
      })
      if (job === null) throw new NotFoundError('generation')
      if (job.status !== 'failed' && job.status !== 'cancelled') {
        const message = `the generation is ${job.status}: only one that has failed, or was cancelled, can be retried`
        throw new ApiError(409, 'NOT_FAILED', message)
      }
      if (roundOf(job.attempt) >= MAX_RETRIES) {
        throw new ApiError(409, 'RETRIES_USED_UP', `it was retried ${MAX_RETRIES} times: ask for a new one`)
      }
      if (job.chapterId !== null) await requireNotUnderWay(tx, job.chapterId)
      await admission.requireBudget(tx)
      const unfinished = await admission.requireRoom(tx, actor, { makesCourse: job.chapterDigest === null })
      const attempt = nextRound(job.attempt)
      await queue.enqueue(tx, where.id, -unfinished, attempt)
      // Whoever retries knows the chapter as it is now.
      const chapterDigest = job.chapterDigest && job.chapter ? digestOf(job.chapter) : job.chapterDigest
      const data = { status: 'queued', stage: 'queued', errorCode: null, error: null, attempt, chapterDigest } as const
      return tx.generationJob.update({ where, data, select: jobSelect })
    })
    await records.refresh(row.id)
    return toGeneration(row)
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
}

async function writtenChapters(
  tx: Transaction,
  actor: Actor,
  { courseId, chapterId }: Pick<Generation, 'courseId' | 'chapterId'>
): Promise<FinishedChapter[]> {
  if (courseId === null) return []
  const rows = await tx.chapter.findMany({
    where: { ...(chapterId === null ? { courseId } : { id: chapterId }), course: visibleTo(actor) },
    select: { title: true, content: true, minutes: true, position: true, module: { select: { position: true } } },
    orderBy: [{ module: { position: 'asc' } }, { position: 'asc' }]
  })
  return rows.map(({ module, position, ...chapter }) => ({ module: module.position, chapter: position, ...chapter }))
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
