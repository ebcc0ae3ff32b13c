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
import { digestOf, requireNoRewriteUnderWay } from './chapter-rewrites.ts'
import { languageProblem, type ModelProvider } from './provider.ts'
import { type GenerationQueue, nextRound, roundOf } from './queue.ts'
import { type GenerationRecord, type GenerationRecords, jobSelect, toGeneration, toRecord } from './records.ts'
import type { FinishedChapter, Generation, NewGeneration } from './shapes.ts'

/**
 * Retries of one generation. Retries do not count towards the hourly quota, so this is what bounds the questions to the
 * model.
 */
const MAX_RETRIES = 10

export interface GenerationsOptions {
  readonly database: Database
  readonly records: GenerationRecords
  readonly queue: GenerationQueue
  readonly provider: Pick<ModelProvider, 'name' | 'languages'>
  readonly admission: Admission
}

/** What users can do with their own generations; those of others are not found. */
export class Generations {
  readonly #options: GenerationsOptions

  constructor(options: GenerationsOptions) {
    this.#options = options
  }

  /**
   * Inserts a generation and enqueues it, in one transaction. If the user has used this key before, it returns the
   * earlier generation, or throws 422 if the body differs. Throws 400 for a language the provider cannot write, and
   * what `Admission` throws.
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
        // Generations older than this column have no hash.
        if (earlier.requestHash !== null && earlier.requestHash !== requestHash) throw keyReused()
        return { row: earlier, allowance: null }
      }
      const problem = languageProblem(provider, input.language)
      if (problem !== null) throw new ApiError(400, 'VALIDATION_FAILED', problem)
      await admission.requireBudget(tx)
      const allowance = await admission.useHourlyQuota(tx, userId)
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

  /** Newest first. `signal` cancels the query. */
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

  /** The generations of all users, counted by status. */
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

  /** Throws `NotFoundError` also for another user's generation. */
  async find(userId: number, id: string): Promise<GenerationRecord> {
    const record = await this.#options.records.find(id.toLowerCase())
    if (record.ownerId !== userId) throw new NotFoundError('generation')
    return record
  }

  /**
   * The chapters finished so far, in order. Once the generation is completed: the chapters as they are in the course
   * now, or none if the actor may no longer see the course.
   */
  async chapters(actor: Actor, id: string, signal?: AbortSignal): Promise<{ items: FinishedChapter[] }> {
    const { database, records } = this.#options
    await this.find(actor.id, id)
    const items = await records.chapters(id.toLowerCase())
    // Read after the chapters: if the generation has completed in between, they have moved into the course.
    const { generation } = await this.find(actor.id, id)
    if (generation.status !== 'completed') return { items }
    return { items: await database.read('lists', (tx) => writtenChapters(tx, actor, generation), signal) }
  }

  /**
   * Resumes a failed or cancelled generation from its checkpoints. It keeps its id and does not count towards the
   * hourly quota. Throws 409 for any other status, after too many retries, and while another generation rewrites the
   * same chapter; also what changing that chapter throws, and what `Admission` throws.
   */
  async retry(actor: Actor, id: string): Promise<Generation> {
    const { database, records, queue, admission } = this.#options
    const where = { id: id.toLowerCase(), userId: actor.id }
    const row = await database.write(async (tx) => {
      const rewritten = await tx.chapter.findFirst({
        where: { generations: { some: where } },
        select: { courseId: true }
      })
      // The course first: the same lock order as in `ChapterRewrites`.
      if (rewritten !== null) await lockCourse(tx, actor, rewritten.courseId)
      await lockAccountForChange(tx, actor.id)
      await tx.$queryRaw`select from generation_job where id = ${where.id}::uuid and user_id = ${actor.id} for update`
      const job = await tx.generationJob.findUnique({
        where,
        select: { status: true, attempt: true, chapterId: true, chapterDigest: true, chapter: true }
      })
      if (job === null) throw new NotFoundError('generation')
      if (job.status !== 'failed' && job.status !== 'cancelled') {
        const message = `the generation is ${job.status}: only a failed or cancelled one can be retried`
        throw new ApiError(409, 'NOT_FAILED', message)
      }
      if (roundOf(job.attempt) >= MAX_RETRIES) {
        throw new ApiError(409, 'RETRIES_USED_UP', `the generation was retried ${MAX_RETRIES} times: start a new one`)
      }
      if (job.chapterId !== null) await requireNoRewriteUnderWay(tx, job.chapterId)
      await admission.requireBudget(tx)
      const unfinished = await admission.requireRoom(tx, actor, { makesCourse: job.chapterDigest === null })
      const attempt = nextRound(job.attempt)
      await queue.enqueue(tx, where.id, -unfinished, attempt)
      // A retry replaces the chapter as it is now.
      const chapterDigest = job.chapterDigest && job.chapter ? digestOf(job.chapter) : job.chapterDigest
      const data = { status: 'queued', stage: 'queued', errorCode: null, error: null, attempt, chapterDigest } as const
      return tx.generationJob.update({ where, data, select: jobSelect })
    })
    await records.refresh(row.id)
    return toGeneration(row)
  }

  /** Cancels an unfinished generation: its worker asks the model nothing more. Throws 409 if it is finished. */
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
      throw new ApiError(409, 'GENERATION_OVER', `the generation is already ${row.status}`)
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

/** Does not depend on the order of the fields. */
function hashOf(input: NewGeneration): string {
  return hash('sha256', JSON.stringify(Object.entries(input).sort()), 'base64url')
}

function keyReused(): ApiError {
  return new ApiError(
    422,
    'IDEMPOTENCY_KEY_REUSED',
    'Idempotency-Key was already used with a different body: use a new key for a new request'
  )
}
