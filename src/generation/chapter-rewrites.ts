import { hash } from 'node:crypto'
import { type Actor, Catalogue } from '#courses/catalogue.ts'
import { lockCourse } from '#courses/course-lock.ts'
import type { Quotas } from '#courses/quota.ts'
import type { Chapter, Course } from '#courses/shapes.ts'
import type { Database, Transaction } from '#database/database.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { type Precondition, requireMatch } from '#http/precondition.ts'
import { lockAccountForChange } from '#users/accounts.ts'
import type { Admission, Allowance } from './admission.ts'
import type { ChapterText, Outline } from './answers.ts'
import { GenerationFailure } from './failures.ts'
import { languageProblem, type ModelProvider } from './provider.ts'
import { planOf } from './questions.ts'
import { type GenerationQueue, nextRound } from './queue.ts'
import { type GenerationRecords, jobSelect, toGeneration } from './records.ts'
import type { Generation } from './shapes.ts'

/** How much of the plan of the course goes into the prompt, in characters. */
const MAX_PLAN = 10_000

export interface ChapterRewritesOptions {
  readonly database: Database
  readonly records: GenerationRecords
  readonly queue: GenerationQueue
  readonly provider: Pick<ModelProvider, 'name' | 'languages'>
  readonly admission: Admission
}

/**
 * Generations that rewrite one chapter of a course. Each is stored as a course of one chapter, whose outline is known
 * from the start.
 */
export class ChapterRewrites {
  readonly #options: ChapterRewritesOptions

  constructor(options: ChapterRewritesOptions) {
    this.#options = options
  }

  /**
   * Enqueues the rewrite of a chapter that the actor may change. Throws what a change of the chapter throws, 400 for a
   * language the provider cannot write, 409 if the chapter is already being rewritten, and what `Admission` throws.
   */
  async begin(
    actor: Actor,
    courseId: number,
    chapterId: number,
    precondition: Precondition<Chapter>
  ): Promise<{ generation: Generation; allowance: Allowance | null }> {
    const { database, records, queue, provider, admission } = this.#options
    const { row, allowance } = await database.write(async (tx) => {
      await lockCourse(tx, actor, courseId)
      await lockAccountForChange(tx, actor.id)
      const catalogue = new Catalogue(tx)
      const chapter = await catalogue.chapter(courseId, chapterId, {})
      await requireMatch(precondition, async () => chapter)
      const course = await catalogue.course(courseId, {})
      const problem = languageProblem(provider, course.language)
      if (problem !== null) throw new ApiError(400, 'VALIDATION_FAILED', problem)
      await requireNoRewriteUnderWay(tx, chapterId)
      await admission.requireBudget(tx)
      const allowance = await admission.useHourlyQuota(tx, actor.id)
      const unfinished = await admission.requireRoom(tx, actor, { makesCourse: false })
      const origin = await tx.generationJob.findUnique({ where: { courseId }, select: { topic: true, audience: true } })
      const attempt = nextRound(0)
      const row = await tx.generationJob.create({
        data: {
          topic: origin?.topic ?? course.title,
          audience: origin?.audience ?? null,
          level: course.level,
          language: course.language,
          moduleCount: 1,
          chaptersPerModule: 1,
          outline: outlineOf(course, chapter),
          userId: actor.id,
          chapterId,
          chapterDigest: digestOf(chapter),
          attempt
        },
        select: jobSelect
      })
      await queue.enqueue(tx, row.id, -unfinished, attempt)
      return { row, allowance }
    })
    await records.refresh(row.id)
    return { generation: toGeneration(row), allowance }
  }
}

/**
 * Throws 409 while the chapter is being rewritten. The caller holds the lock on its course, so the result stays true.
 */
export async function requireNoRewriteUnderWay(tx: Transaction, chapterId: number): Promise<void> {
  const where = { chapterId, status: { in: ['queued' as const, 'running' as const] } }
  if ((await tx.generationJob.count({ where })) === 0) return
  throw new ApiError(
    409,
    'CHAPTER_UNDER_WAY',
    'the chapter is already being rewritten: wait for that generation, or cancel it'
  )
}

/** Digest of the fields that a rewrite depends on. The position is not one of them: it may change meanwhile. */
export function digestOf({ title, content, minutes }: Pick<Chapter, 'title' | 'content' | 'minutes'>): string {
  return hash('sha256', JSON.stringify([title, content, minutes]), 'base64url')
}

/** The chapter that a rewrite is to replace. */
export interface Rewrite {
  readonly userId: number
  readonly chapterId: number | null
  readonly chapterDigest: string
}

/**
 * Locks the course of the chapter until the transaction ends. Call it before locking the generation: deleting a course
 * takes the locks in this order.
 */
export async function lockForRewrite(tx: Transaction, { userId, chapterId }: Rewrite): Promise<Actor> {
  const actor = await tx.user.findUnique({ where: { id: userId }, select: { id: true, role: true } })
  const place = { where: { id: chapterId ?? 0 }, select: { courseId: true } }
  const chapter = await tx.chapter.findUnique(place)
  if (actor === null || chapter === null) throw new GenerationFailure('CHAPTER_GONE', 'the chapter was deleted')
  try {
    await lockCourse(tx, actor, chapter.courseId)
  } catch (error) {
    if (error instanceof ApiError) throw new GenerationFailure('CHAPTER_GONE', error.message)
    throw error
  }
  return actor
}

/**
 * Replaces the text of a chapter whose course is locked. Throws `GenerationFailure` if the chapter has changed since
 * the rewrite was requested.
 */
export async function replaceChapter(
  tx: Transaction,
  quotas: Quotas,
  actor: Actor,
  { chapterId, chapterDigest }: Rewrite,
  { content, minutes }: ChapterText
): Promise<void> {
  const id = chapterId ?? 0
  const chapter = await tx.chapter.findUnique({ where: { id } })
  if (chapter === null) throw new GenerationFailure('CHAPTER_GONE', 'the chapter was deleted')
  if (digestOf(chapter) !== chapterDigest) {
    throw new GenerationFailure('CHAPTER_CHANGED', 'the chapter was changed while it was being rewritten')
  }
  await tx.chapter.update({ where: { id }, data: { content, minutes }, select: { id: true } })
  await tx.course.update({ where: { id: chapter.courseId }, data: { updatedAt: new Date() }, select: { id: true } })
  if (Buffer.byteLength(content) <= Buffer.byteLength(chapter.content)) return
  try {
    await quotas.requireText(tx, actor)
  } catch (error) {
    if (error instanceof ApiError) throw new GenerationFailure('QUOTA_BYTES', error.message)
    throw error
  }
}

/** The outline of a course with only this chapter. Its description is the plan of the whole course, for the prompt. */
function outlineOf(course: Course, chapter: Chapter): Outline {
  const module = course.modules.find(({ id }) => id === chapter.moduleId)
  if (module === undefined) throw new NotFoundError('chapter')
  const { title, summary } = module
  return {
    title: course.title,
    summary: course.summary || course.title,
    description: planOf(course).slice(0, MAX_PLAN).toWellFormed(),
    modules: [{ title, summary, chapters: [{ title: chapter.title }] }]
  }
}
