import { type Actor, hasAuthor, itemSelect, toItem, visibleTo } from '#courses/catalogue.ts'
import type { Quotas } from '#courses/quota.ts'
import type { Database, Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { toPage } from '#http/paging.ts'
import { lockAccount } from '#users/accounts.ts'
import type { EnrolledCoursePage, Progress } from './shapes.ts'

const progressSelect = {
  courseId: true,
  updatedAt: true,
  completions: { select: { chapterId: true }, orderBy: { chapterId: 'asc' } },
  course: { select: { _count: { select: { chapters: true } } } }
} satisfies Prisma.EnrollmentSelect

/** How many enrollments `allProgress` covers: the default of `QUOTA_ENROLLMENTS`. */
const MOST_PROGRESS = 1000

/** Enrolling in courses and completing chapters. */
export class Learning {
  readonly #database: Database
  readonly #quotas: Quotas

  constructor(database: Database, quotas: Quotas) {
    this.#database = database
    this.#quotas = quotas
  }

  /**
   * Idempotent. Throws `NotFoundError` for a course that the student may not see, and 409 if the quota of enrollments
   * is used up.
   */
  async enroll(actor: Actor, courseId: number): Promise<void> {
    await this.#database.write(async (tx) => {
      await lockAccount(tx, actor.id)
      // The lock prevents the deletion of the course until the enrollment exists.
      const [course] = await tx.$queryRaw<{ id: number }[]>`select id from course where id = ${courseId} for key share`
      const visible = course && (await tx.course.count({ where: { id: courseId, ...visibleTo(actor) } }))
      if (!visible) throw new NotFoundError('course')
      await this.#quotas.requireEnrollment(tx, actor, courseId)
      await tx.enrollment.createMany({ data: { userId: actor.id, courseId }, skipDuplicates: true })
    })
  }

  /** Idempotent. Deletes the completions of the course. */
  async leave(actor: Actor, courseId: number): Promise<void> {
    await this.#database.client.enrollment.deleteMany({ where: { userId: actor.id, courseId } })
  }

  /**
   * Throws 409 if the student is not enrolled, and `NotFoundError` for a chapter outside the course or a course that
   * the student may not see (any more): changes to an unpublished course are private to its author.
   */
  async complete(actor: Actor, courseId: number, chapterId: number, completed: boolean): Promise<void> {
    await this.#database.write(async (tx) => {
      await lockAccount(tx, actor.id)
      // Locks in the same order as its author's changes do: otherwise the two could deadlock.
      await tx.$queryRaw`select id from course where id = ${courseId} for key share`
      if ((await tx.course.count({ where: { id: courseId, ...visibleTo(actor) } })) === 0)
        throw new NotFoundError('course')
      // This update also serializes concurrent completions of the same student.
      const userId = actor.id
      const { count } = await tx.enrollment.updateMany({ where: { userId, courseId }, data: { updatedAt: new Date() } })
      if (count === 0) throw new ApiError(409, 'NOT_ENROLLED', 'you are not enrolled in this course')
      const [chapter] = await tx.$queryRaw<{ id: number }[]>`
        select id from chapter where id = ${chapterId} and course_id = ${courseId} for key share`
      if (chapter === undefined) throw new NotFoundError('chapter')
      const completion = { userId, courseId, chapterId }
      if (completed) await tx.chapterCompletion.createMany({ data: completion, skipDuplicates: true })
      else await tx.chapterCompletion.deleteMany({ where: completion })
    })
  }

  /** Throws `NotFoundError` if the student is not enrolled, or may not see the course (any more). */
  async progress(actor: Actor, courseId: number): Promise<Progress> {
    const where = { userId_courseId: { userId: actor.id, courseId }, course: visibleTo(actor) }
    const row = await this.#database.client.enrollment.findUnique({ where, select: progressSelect })
    if (row === null || !hasCourse(row)) throw new NotFoundError('enrollment')
    return toProgress(row)
  }

  /**
   * Progress in the courses that the student may still see, by course id, for the newest 1,000 enrollments. `signal`
   * cancels it.
   */
  async allProgress(actor: Actor, signal?: AbortSignal): Promise<{ items: Progress[] }> {
    const visible =
      actor.role === 'admin' ? Prisma.sql`true` : Prisma.sql`(status = 'published' or author_id = ${actor.id})`
    // One raw statement: Prisma would load the relations by sending all ids back, which may exceed its limit of
    // parameters.
    const read = (tx: Transaction) => tx.$queryRaw<CountedProgress[]>`
      select course_id as "courseId", updated_at as "updatedAt",
        array(select chapter_id from chapter_completion
          where user_id = ${actor.id} and course_id = newest.course_id order by chapter_id) as "completedChapterIds",
        (select count(*) from chapter where course_id = newest.course_id)::int as total
      from (
        select course_id, enrollment.updated_at from enrollment join course on course.id = course_id
        where user_id = ${actor.id} and ${visible}
        order by enrollment.created_at desc, course_id desc limit ${MOST_PROGRESS}
      ) as newest
      order by course_id`
    return { items: (await this.#database.read('lists', read, signal)).map(summarize) }
  }

  /**
   * The courses that the student is enrolled in and may still see, latest enrollment first. `signal` cancels the query.
   */
  async courses(
    actor: Actor,
    paging: { page: number; limit: number },
    signal?: AbortSignal
  ): Promise<EnrolledCoursePage> {
    const where = { userId: actor.id, course: visibleTo(actor) }
    const read = async (tx: Transaction) => ({
      rows: await tx.enrollment.findMany({
        where,
        select: { ...progressSelect, course: { select: itemSelect } },
        orderBy: [{ createdAt: 'desc' }, { courseId: 'desc' }],
        skip: (paging.page - 1) * paging.limit,
        take: paging.limit
      }),
      total: await tx.enrollment.count({ where })
    })
    const { rows, total } = await this.#database.read('lists', read, signal)
    return toPage(
      rows
        .filter((row) => hasCourse(row) && hasAuthor(row.course))
        .map((row) => ({ ...toItem(row.course), progress: toProgress(row) })),
      total,
      paging
    )
  }
}

/** Rounded down, so that 100 means that every chapter is completed. */
export function percentOf(completed: number, total: number): number {
  return total === 0 ? 0 : Math.floor((100 * completed) / total)
}

interface ProgressRow {
  readonly courseId: number
  readonly updatedAt: Date
  readonly completions: readonly { readonly chapterId: number }[]
  readonly course: { readonly _count: { readonly chapters: number } }
}

/**
 * Prisma reads a relation in a separate statement: if the row was deleted in between, it is null, whatever the type
 * says.
 */
function hasCourse({ course }: { course: object | null }): boolean {
  return course !== null
}

function toProgress({ courseId, updatedAt, completions, course }: ProgressRow): Progress {
  const completedChapterIds = completions.map(({ chapterId }) => chapterId)
  return summarize({ courseId, updatedAt, completedChapterIds, total: course._count.chapters })
}

interface CountedProgress {
  readonly courseId: number
  readonly updatedAt: Date
  readonly completedChapterIds: number[]
  readonly total: number
}

function summarize({ courseId, updatedAt, completedChapterIds, total }: CountedProgress): Progress {
  const completed = completedChapterIds.length
  return {
    courseId,
    completedChapterIds,
    completed,
    total,
    percent: percentOf(completed, total),
    updatedAt: updatedAt.toISOString()
  }
}
