import { type Actor, hasAuthor, itemSelect, toItem, visibleTo } from '#courses/catalogue.ts'
import type { Database } from '#database/database.ts'
import type { Prisma } from '#database/generated/client.ts'
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

/** What students do: enroll, complete chapters. */
export class Learning {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Idempotent. Throws `NotFoundError` for a course that the student may not see. */
  async enroll(actor: Actor, courseId: number): Promise<void> {
    await this.#database.write(async (tx) => {
      await lockAccount(tx, actor.id)
      // The lock keeps the course there until the enrollment is.
      const [course] = await tx.$queryRaw<{ id: number }[]>`select id from course where id = ${courseId} for key share`
      const visible = course && (await tx.course.count({ where: { id: courseId, ...visibleTo(actor) } }))
      if (!visible) throw new NotFoundError('course')
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

  async allProgress(actor: Actor): Promise<{ items: Progress[] }> {
    const rows = await this.#database.client.enrollment.findMany({
      where: { userId: actor.id, course: visibleTo(actor) },
      select: progressSelect,
      orderBy: { courseId: 'asc' }
    })
    return { items: rows.filter(isWhole).map(toProgress) }
  }

  /** The courses that the student is enrolled in and may still see, the latest enrollment first. */
  async courses(actor: Actor, paging: { page: number; limit: number }): Promise<EnrolledCoursePage> {
    const where = { userId: actor.id, course: visibleTo(actor) }
    const { rows, total } = await this.#database.read('lists', async (tx) => ({
      rows: await tx.enrollment.findMany({
        where,
        select: { ...progressSelect, course: { select: itemSelect } },
        orderBy: [{ createdAt: 'desc' }, { courseId: 'desc' }],
        skip: (paging.page - 1) * paging.limit,
        take: paging.limit
      }),
      total: await tx.enrollment.count({ where })
    }))
    return toPage(
      rows
        .filter((row) => isWhole(row) && hasAuthor(row.course))
        .map((row) => ({ ...toItem(row.course), progress: toProgress(row) })),
      total,
      paging
    )
  }
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
  const completed = completions.length
  const total = course._count.chapters
  return {
    courseId,
    completedChapterIds: completions.map(({ chapterId }) => chapterId),
    completed,
    total,
    // Rounded down: 100 is for a course of which nothing is left.
    percent: total === 0 ? 0 : Math.floor((100 * completed) / total),
    updatedAt: updatedAt.toISOString()
  }
}
