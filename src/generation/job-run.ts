import pRetry from 'p-retry'
import type { Quotas } from '#courses/quota.ts'
import { createWholeCourse } from '#courses/whole-course.ts'
import type { Database, Transaction } from '#database/database.ts'
import { isDatabaseUnavailable } from '#database/unavailable.ts'
import type { Outline } from './answers.ts'
import { lockForRewrite, type Rewrite, replaceChapter } from './chapter-rewrites.ts'
import type { Failure } from './failures.ts'
import type { Checkpoints, WrittenCourse } from './pipeline.ts'
import type { Usage } from './provider.ts'
import type { Brief } from './questions.ts'
import { briefOf, type FinishedChapter, type GenerationRecords, jobSelect, outlineOf } from './records.ts'

/** How long a run retries while the database does not answer, in ms, before it returns its job to the queue. */
const DATABASE_PATIENCE_MS = 60_000
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 2000

/** The run is obsolete: the generation was cancelled or deleted, or another run has taken the job. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError'
}

export interface JobRunParts {
  readonly database: Database
  readonly records: GenerationRecords
  readonly quotas: Quotas
}

/**
 * One run of a generation, in the database. Every write is one transaction that locks the job and fails if another run
 * has taken it (`attempt` is the fencing token): a worker that was wrongly declared dead cannot write beside its
 * successor. Writes are retried through a short outage of the database, so that no paid answer of the model is lost.
 */
export class JobRun implements Checkpoints {
  readonly id: string
  /** The number of this run: the run with the highest number owns the job. */
  readonly attempt: number
  readonly #database: Database
  readonly #records: GenerationRecords
  readonly #quotas: Quotas
  readonly #stopped = new AbortController()

  constructor(id: string, attempt: number, { database, records, quotas }: JobRunParts) {
    this.id = id
    this.attempt = attempt
    this.#database = database
    this.#records = records
    this.#quotas = quotas
  }

  /** Claims the job; resolves to its brief. Throws `SupersededError` when there is nothing to do. */
  async begin(): Promise<Brief> {
    const row = await this.#retrying(() =>
      this.#database.write(async (tx) => {
        const { count } = await tx.generationJob.updateMany({
          where: { id: this.id, status: { in: ['queued', 'running'] }, attempt: { lte: this.attempt } },
          data: { status: 'running', attempt: this.attempt }
        })
        if (count === 0) throw new SupersededError('the generation is finished, or another worker has taken it')
        const found = await tx.generationJob.findUniqueOrThrow({ where: { id: this.id }, select: jobSelect })
        const stage = outlineOf(found) === null ? 'outline' : 'chapters'
        return tx.generationJob.update({ where: { id: this.id }, data: { stage }, select: jobSelect })
      })
    )
    await this.#records.refresh(this.id)
    return briefOf(row)
  }

  /** Makes `ensureWanted` throw `reason` from now on. */
  stop(reason: Error): void {
    this.#stopped.abort(reason)
  }

  /** Aborts when the run is to ask no more questions; questions under way are still answered. */
  get stopped(): AbortSignal {
    return this.#stopped.signal
  }

  /** Shows followers that the next question waits for the budget; `resume` ends this. */
  async showWaiting(): Promise<void> {
    await this.ensureWanted()
    await this.#setStage('queued')
  }

  /** Shows followers that the waiting question is now asked. */
  async resume(): Promise<void> {
    const { outline } = await this.load()
    await this.#setStage(outline === null ? 'outline' : 'chapters')
  }

  async #setStage(stage: 'queued' | 'outline' | 'chapters'): Promise<void> {
    const where = { id: this.id, stage: { not: stage } }
    await this.#write((tx) => tx.generationJob.updateMany({ where, data: { stage } }))
  }

  async load(): Promise<{ outline: Outline | null; chapters: readonly FinishedChapter[] }> {
    const row = await this.#retrying(() =>
      this.#database.client.generationJob.findUnique({
        where: { id: this.id },
        select: { outline: true, moduleCount: true, chaptersPerModule: true }
      })
    )
    if (row === null) throw new SupersededError('the generation was deleted')
    return { outline: outlineOf(row), chapters: await this.#retrying(() => this.#records.chapters(this.id)) }
  }

  async ensureWanted(): Promise<void> {
    this.#stopped.signal.throwIfAborted()
    const row = await this.#retrying(() =>
      this.#database.client.generationJob.findUnique({
        where: { id: this.id },
        select: { status: true, attempt: true }
      })
    )
    this.#requireMine(row ?? undefined)
  }

  async saveUsage(usage: Usage): Promise<void> {
    await this.#write((tx) =>
      tx.generationJob.update({ where: { id: this.id }, data: spent(usage), select: { id: true } })
    )
  }

  async saveOutline(outline: Outline, usage: Usage): Promise<void> {
    await this.#write((tx) =>
      tx.generationJob.update({
        where: { id: this.id },
        data: { outline, stage: 'chapters', ...spent(usage) },
        select: { id: true }
      })
    )
  }

  async saveChapter({ module, chapter, title, content, minutes }: FinishedChapter, usage: Usage): Promise<void> {
    await this.#write(async (tx) => {
      const place = { jobId: this.id, modulePosition: module, chapterPosition: chapter }
      const data = { ...place, title, content, minutes }
      const { count } = await tx.generationCheckpoint.createMany({ data, skipDuplicates: true })
      // A commit whose acknowledgement was lost is retried: the chapter then exists, and its usage is already counted.
      if (count > 0) await tx.generationJob.update({ where: { id: this.id }, data: spent(usage), select: { id: true } })
    })
  }

  /**
   * Creates the draft course, or replaces the rewritten chapter, exactly once, and completes the generation. Throws
   * `GenerationFailure`.
   */
  async complete(written: WrittenCourse): Promise<void> {
    await this.#write((tx) =>
      tx.generationJob.update({ where: { id: this.id }, data: { stage: 'saving' }, select: { id: true } })
    )
    const select = { userId: true, chapterId: true, chapterDigest: true } as const
    const job = await this.#retrying(() =>
      this.#database.client.generationJob.findUnique({ where: { id: this.id }, select })
    )
    if (job === null) throw new SupersededError('the generation was deleted')
    const { chapterDigest } = job
    if (chapterDigest === null) await this.#createCourse(written)
    else await this.#replaceChapter({ ...job, chapterDigest }, written)
  }

  async #createCourse({ outline, chapters }: WrittenCourse): Promise<void> {
    await this.#write(async (tx) => {
      const job = await tx.generationJob.findUniqueOrThrow({ where: { id: this.id } })
      const { title, summary, description } = outline
      const { level, language, categoryId, userId: authorId } = job
      const course = { title, summary, description, level, language, categoryId, authorId }
      const modules = outline.modules.map((module, m) => ({
        title: module.title,
        summary: module.summary,
        chapters: chapters
          .filter((chapter) => chapter.module === m + 1)
          .map(({ title, content, minutes }) => ({ title, content, minutes }))
      }))
      await this.#end(tx, await createWholeCourse(tx, course, modules))
    })
  }

  async #replaceChapter(rewrite: Rewrite, { chapters: [text] }: WrittenCourse): Promise<void> {
    if (text === undefined) throw new RangeError('a rewritten chapter has a text')
    await this.#retrying(() =>
      this.#database.write(async (tx) => {
        const actor = await lockForRewrite(tx, rewrite)
        await this.#lock(tx)
        await replaceChapter(tx, this.#quotas, actor, rewrite, text)
        await this.#end(tx, null)
      })
    )
    await this.#records.refresh(this.id)
  }

  async #end(tx: Transaction, courseId: number | null): Promise<void> {
    await tx.generationCheckpoint.deleteMany({ where: { jobId: this.id } })
    const data = { status: 'completed', stage: 'done', courseId, error: null } as const
    await tx.generationJob.update({ where: { id: this.id }, data, select: { id: true } })
  }

  /** Marks the generation as failed. */
  async fail(errorCode: Failure): Promise<void> {
    const data = { status: 'failed', errorCode } as const
    await this.#write((tx) => tx.generationJob.update({ where: { id: this.id }, data, select: { id: true } }))
  }

  async #write(task: (tx: Transaction) => Promise<unknown>): Promise<void> {
    await this.#retrying(() =>
      this.#database.write(async (tx) => {
        await this.#lock(tx)
        await task(tx)
      })
    )
    await this.#records.refresh(this.id)
  }

  async #lock(tx: Transaction): Promise<void> {
    const [job] = await tx.$queryRaw<LockedJob[]>`
      select status::text as status, attempt from generation_job where id = ${this.id}::uuid for update`
    this.#requireMine(job)
  }

  #requireMine(job: LockedJob | undefined): void {
    if (job === undefined) throw new SupersededError('the generation was deleted')
    if (job.status !== 'running') throw new SupersededError(`the generation is ${job.status}`)
    if (job.attempt !== this.attempt) throw new SupersededError('another worker has taken the generation')
  }

  #retrying<T>(task: () => Promise<T>): Promise<T> {
    return pRetry(task, {
      retries: Number.POSITIVE_INFINITY,
      maxRetryTime: DATABASE_PATIENCE_MS,
      minTimeout: FIRST_RETRY_MS,
      maxTimeout: LONGEST_RETRY_MS,
      shouldRetry: ({ error }) => isDatabaseUnavailable(error)
    })
  }
}

interface LockedJob {
  readonly status: string
  readonly attempt: number
}

function spent({ promptTokens, completionTokens }: Usage) {
  return { promptTokens: { increment: promptTokens }, completionTokens: { increment: completionTokens } }
}
