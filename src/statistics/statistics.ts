import type { Transaction } from '#database/database.ts'
import type { Statistics as Overview } from './shapes.ts'

const TOP_COURSES = 5

type Models = Pick<Transaction, 'course' | 'user' | 'enrollment' | 'chapterCompletion'>

/** Counts of the whole platform, always from the database. */
export class Statistics {
  readonly #client: Models

  constructor(client: Models) {
    this.#client = client
  }

  /** What the public may know: numbers, and the names of published courses only. */
  async overview(): Promise<Overview> {
    const { course, user, enrollment, chapterCompletion } = this.#client
    const [courses, publishedCourses, users, enrollments, completedChapters, topCourses] = await Promise.all([
      course.count(),
      course.count({ where: { status: 'published' } }),
      user.count(),
      enrollment.count(),
      chapterCompletion.count(),
      this.#topCourses()
    ])
    return { courses, publishedCourses, users, enrollments, completedChapters, topCourses }
  }

  async #topCourses(): Promise<Overview['topCourses']> {
    const rows = await this.#client.course.findMany({
      where: { status: 'published' },
      select: { id: true, title: true, _count: { select: { enrollments: true } } },
      // The id breaks ties.
      orderBy: [{ enrollments: { _count: 'desc' } }, { id: 'asc' }],
      take: TOP_COURSES
    })
    return rows.map(({ id, title, _count }) => ({ id, title, enrollments: _count.enrollments }))
  }
}
