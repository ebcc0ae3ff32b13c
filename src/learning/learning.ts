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

/** How many enrollments the progress in every course reaches: as many as an account may have by default (`QUOTA_ENROLLMENTS`). */
const MOST_PROGRESS = 1000

/** What students do: enroll, complete chapters. */
export class Learning {
  readonly #database: Database
  readonly #quotas: Quotas

  constructor(database: Database, quotas: Quotas) {
    this.#database = database
    this.#quotas = quotas
  }

  /** Idempotent. Throws `NotFoundError` for a course that the student may not see, and 409 where he is enrolled in as many as may be. */
  async enroll(actor: Actor, courseId: number): Promise<void> {
    await this.#database.write(async (tx) => {
      await lockAccount(tx, actor.id)
      // The lock keeps the course there until the enrollment is.
      const [course] = await tx.$queryRaw<{ id: number }[]>`select id from course where id = ${courseId} for key share`
      const visible = course && (await tx.course.count({ where: { id: courseId, ...visibleTo(actor) } }))
      if (!visible) throw new NotFoundError('course')
      await this.#quotas.requireEnrollment(tx, actor, courseId)
      await tx.enrollment.createMany({ data: { userId: actor.id, courseId }, skipDuplicates: true })
    })
  }

  /** Idempotent; what was completed is forgotten. */
  async leave(actor: Actor, courseId: number): Promise<void> {
    await this.#database.client.enrollment.deleteMany({ where: { userId: actor.id, courseId } })
  }

  /**
   * Throws 409 when not enrolled, `NotFoundError` for a chapter that the course does not have, and for a course that the student may not
   * see (any more): what has become of it since it was unpublished is its author's.
   */
  async complete(actor: Actor, courseId: number, chapterId: number, completed: boolean): Promise<void> {
    await this.#database.write(async (tx) => {
      await lockAccount(tx, actor.id)
      // First what its author locks first, in the same order: else the two wait for each other.
      await tx.$queryRaw`select id from course where id = ${courseId} for key share`
      if ((await tx.course.count({ where: { id: courseId, ...visibleTo(actor) } })) === 0)
        throw new NotFoundError('course')
      // Also the lock that puts two completions of one student in an order.
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

  /** Throws `NotFoundError` when not enrolled, or in a course that the student may not see (any more). */
  async progress(actor: Actor, courseId: number): Promise<Progress> {
    const where = { userId_courseId: { userId: actor.id, courseId }, course: visibleTo(actor) }
    const row = await this.#database.client.enrollment.findUnique({ where, select: progressSelect })
    if (row === null || !isWhole(row)) throw new NotFoundError('enrollment')
    return toProgress(row)
  }

  /** In the courses that the student may still see, by their ids: of the newest 1,000 enrollments. `signal` cancels it. */
  async allProgress(actor: Actor, signal?: AbortSignal): Promise<{ items: Progress[] }> {
    const visible =
      actor.role === 'admin' ? Prisma.sql`true` : Prisma.sql`(status = 'published' or author_id = ${actor.id})`
    // One statement: the ids of so many enrollments, as Prisma would send them back for their relations, are more than it may send.
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

  /** The courses that the student is enrolled in and may still see, the latest enrollment first. `signal` cancels it. */
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
        .filter((row) => isWhole(row) && hasAuthor(row.course))
        .map((row) => ({ ...toItem(row.course), progress: toProgress(row) })),
      total,
      paging
    )
  }
}

/** Rounded down: 100 is for a course of which nothing is left. */
export function percentOf(completed: number, total: number): number {
  return total === 0 ? 0 : Math.floor((100 * completed) / total)
}

interface ProgressRow {
  readonly courseId: number
  readonly updatedAt: Date
  readonly completions: readonly { readonly chapterId: number }[]
  readonly course: { readonly _count: { readonly chapters: number } }
}

/** Prisma reads a relation in a statement of its own: what was deleted in between is null there, whatever the type says. */
function isWhole({ course }: { course: object | null }): boolean {
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
