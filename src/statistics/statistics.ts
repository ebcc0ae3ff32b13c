import { type Counted, countRows, MOST_COUNTED } from '#database/counts.ts'
import type { Database, Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { DELETED_ACCOUNT } from '#users/accounts.ts'
import type { Statistics as Overview } from './shapes.ts'

const TOP_COURSES = 5
/** Candidates for the top courses: those with the most recent enrollments. */
const CANDIDATES = 20

const counted = {
  courses: { relation: 'course', rows: Prisma.sql`course` },
  publishedCourses: { relation: 'course_published_idx', rows: Prisma.sql`course where status = 'published'` },
  users: { relation: 'app_user', rows: Prisma.sql`app_user where email <> ${DELETED_ACCOUNT.email}` },
  enrollments: { relation: 'enrollment', rows: Prisma.sql`enrollment` },
  completedChapters: { relation: 'chapter_completion', rows: Prisma.sql`chapter_completion` }
} satisfies Record<string, Counted>

/** Counts of the whole platform, always read from the database, in a bulkhead of its connections. */
export class Statistics {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Public figures: numbers, and the titles of published courses only. `signal` cancels the query. */
  overview(signal?: AbortSignal): Promise<Overview> {
    const read = async (tx: Transaction) => ({
      courses: await countRows(tx, counted.courses),
      publishedCourses: await countRows(tx, counted.publishedCourses),
      users: await countRows(tx, counted.users),
      enrollments: await countRows(tx, counted.enrollments),
      completedChapters: await countRows(tx, counted.completedChapters),
      topCourses: await topCourses(tx)
    })
    return this.#database.read('statistics', read, signal)
  }
}

/** The candidates with the most enrollments, filled up with the first published courses if there are too few. */
async function topCourses(tx: Transaction): Promise<Overview['topCourses']> {
  return tx.$queryRaw<Overview['topCourses']>`
    with candidate as (
      (select course.id
        from (select course_id from enrollment order by created_at desc limit ${MOST_COUNTED}) as latest
        join course on course.id = course_id and status = 'published'
        group by course.id order by count(*) desc, course.id limit ${CANDIDATES})
      union
      (select id from course where status = 'published' order by id limit ${TOP_COURSES})
    )
    select id, title,
      (select count(*) from (select from enrollment where course_id = course.id limit ${MOST_COUNTED}) as counted)::int as enrollments
    from candidate join course using (id)
    order by enrollments desc, id limit ${TOP_COURSES}`
}
