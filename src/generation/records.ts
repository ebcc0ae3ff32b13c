import { Check } from 'typebox/schema'
import type { Transaction } from '#database/database.ts'
import type { Prisma } from '#database/generated/client.ts'
import { NotFoundError } from '#http/errors.ts'
import { type Outline, outlineSchema } from './answers.ts'
import { failureMessage, isFailure } from './failures.ts'
import type { GenerationCache } from './generation-cache.ts'
import type { Brief } from './questions.ts'
import type { FinishedChapter, Generation, GenerationRecord } from './shapes.ts'

export type { FinishedChapter, GenerationRecord }

/** The columns of a job row that its status is built from. */
export const jobSelect = {
  id: true,
  userId: true,
  courseId: true,
  status: true,
  stage: true,
  topic: true,
  audience: true,
  level: true,
  language: true,
  moduleCount: true,
  chaptersPerModule: true,
  chapterId: true,
  chapterDigest: true,
  chapter: { select: { courseId: true } },
  outline: true,
  errorCode: true,
  error: true,
  revision: true,
  createdAt: true,
  updatedAt: true,
  checkpoints: { select: { modulePosition: true, chapterPosition: true } }
} satisfies Prisma.GenerationJobSelect

export type JobRow = Prisma.GenerationJobGetPayload<{ select: typeof jobSelect }>

/** Reads generations from the cache or the database. Throws `NotFoundError` for one that does not exist. */
export class GenerationRecords {
  readonly #client: Pick<Transaction, 'generationJob' | 'generationCheckpoint'>
  readonly #cache: GenerationCache

  constructor(client: Pick<Transaction, 'generationJob' | 'generationCheckpoint'>, cache: GenerationCache) {
    this.#client = client
    this.#cache = cache
  }

  find(id: string): Promise<GenerationRecord> {
    return this.#cache.status(id, () => this.read(id))
  }

  /**
   * The generation as its row is now. A notification of a commit may arrive before the invalidation, so this also
   * clears an older cache entry.
   */
  async current(id: string): Promise<GenerationRecord> {
    const record = await this.read(id)
    const cached = await this.find(id)
    if (cached.revision < record.revision) await this.#cache.clear(id).catch(() => {})
    return record
  }

  async read(id: string): Promise<GenerationRecord> {
    const row = await this.#client.generationJob.findUnique({ where: { id }, select: jobSelect })
    if (row === null) throw new NotFoundError('generation')
    return toRecord(row)
  }

  /** The finished chapters, in order. */
  chapters(id: string): Promise<FinishedChapter[]> {
    return this.#cache.chapters(id, async () => {
      const rows = await this.#client.generationCheckpoint.findMany({
        where: { jobId: id },
        orderBy: [{ modulePosition: 'asc' }, { chapterPosition: 'asc' }]
      })
      return rows.map(({ modulePosition, chapterPosition, title, content, minutes }) => ({
        module: modulePosition,
        chapter: chapterPosition,
        title,
        content,
        minutes
      }))
    })
  }

  /** Refills the cache after a write. It never rejects: what could not be refilled is loaded by the next read. */
  async refresh(id: string): Promise<void> {
    await Promise.allSettled([this.find(id), this.chapters(id)])
  }
}

export function toRecord(row: JobRow): GenerationRecord {
  return { ownerId: row.userId, revision: row.revision, generation: toGeneration(row) }
}

export function toGeneration(row: JobRow): Generation {
  const { id, status, stage, topic, errorCode, language, checkpoints } = row
  const isCompleted = status === 'completed'
  const outline = outlineOf(row)
  const done = new Set(checkpoints.map(({ modulePosition, chapterPosition }) => `${modulePosition}.${chapterPosition}`))
  const total = row.moduleCount * row.chaptersPerModule
  const completed = isCompleted ? total : done.size
  return {
    id,
    status,
    stage,
    topic,
    progress: { completed, total, percent: Math.floor((100 * completed) / total) },
    outline: outline && {
      title: outline.title,
      summary: outline.summary,
      modules: outline.modules.map(({ title, chapters }, m) => ({
        title,
        chapters: chapters.map(({ title }, c) => ({ title, done: isCompleted || done.has(`${m + 1}.${c + 1}`) }))
      }))
    },
    courseId: row.courseId ?? row.chapter?.courseId ?? null,
    chapterId: row.chapterId,
    error: isFailure(errorCode) ? failureMessage(errorCode, language) : row.error,
    errorCode: isFailure(errorCode) ? errorCode : null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString()
  }
}

/** The outline that the model wrote; null until it has. */
export function outlineOf({
  outline,
  moduleCount,
  chaptersPerModule
}: Pick<JobRow, 'outline' | 'moduleCount' | 'chaptersPerModule'>): Outline | null {
  const value: unknown = outline
  return Check(outlineSchema(moduleCount, chaptersPerModule), value) ? value : null
}

export function briefOf({ topic, audience, level, language, moduleCount, chaptersPerModule, ...row }: JobRow): Brief {
  const brief = { topic, audience, level, language, modules: moduleCount, chaptersPerModule }
  return row.chapterDigest === null ? brief : { ...brief, again: row.id }
}
