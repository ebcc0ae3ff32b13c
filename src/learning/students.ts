import type { Actor } from '#courses/catalogue.ts'
import { requireOwnCourse } from '#courses/course-lock.ts'
import type { Database, Transaction } from '#database/database.ts'
import { toPage } from '#http/paging.ts'
import { percentOf } from './learning.ts'
import type { StudentPage } from './shapes.ts'

/** How many students the pages and the total cover. */
const MAX_LISTED = 10_000

/** The students of a course, for its author and admins; always read from the database. */
export class Students {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * One page, latest enrollment first. Throws `NotFoundError` for a course that the actor may not see, and 403 for
   * another author's course. `signal` cancels the query.
   */
  page(
    actor: Actor,
    courseId: number,
    paging: { page: number; limit: number },
    signal?: AbortSignal
  ): Promise<StudentPage> {
    const read = async (tx: Transaction) => {
      await requireOwnCourse(tx, actor, courseId)
      const offset = (paging.page - 1) * paging.limit
      const limit = Math.max(0, Math.min(paging.limit, MAX_LISTED - offset))
      const rows = await tx.$queryRaw<Row[]>`
        select id, name, bio, avatar_url as "avatarUrl", created_at as "createdAt", "enrolledAt",
          (select count(*) from chapter_completion where user_id = id and course_id = ${courseId})::int as completed
        from (
          select user_id, created_at as "enrolledAt" from enrollment where course_id = ${courseId}
          order by created_at desc, user_id desc offset ${offset} limit ${limit}
        ) as page
        join app_user on id = user_id
        order by "enrolledAt" desc, id desc`
      const [{ total, chapters }] = await tx.$queryRaw<[{ total: number; chapters: number }]>`
        select (select count(*) from chapter where course_id = ${courseId})::int as chapters,
          (select count(*) from (select from enrollment where course_id = ${courseId} limit ${MAX_LISTED}) as counted)::int
            as total`
      return toPage(
        rows.map(({ completed, enrolledAt, createdAt, ...user }) => ({
          user: { ...user, createdAt: createdAt.toISOString() },
          enrolledAt: enrolledAt.toISOString(),
          percent: percentOf(completed, chapters)
        })),
        total,
        paging
      )
    }
    return this.#database.read('lists', read, signal)
  }
}

interface Row {
  readonly id: number
  readonly name: string
  readonly bio: string
  readonly avatarUrl: string | null
  readonly createdAt: Date
  readonly enrolledAt: Date
  readonly completed: number
}
