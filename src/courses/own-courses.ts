import type { Database, Transaction } from '#database/database.ts'
import type { Prisma } from '#database/generated/client.ts'
import { escapeLike } from '#database/like.ts'
import { type Page, toPage } from '#http/paging.ts'
import { hasAuthor, itemSelect, toItem } from './catalogue.ts'
import type { AuthoredQuery, CourseItem } from './shapes.ts'

/** How many courses the pages reach, and the total counts: an admin may have any number. */
const DEEPEST = 10_000

/** The id breaks ties, so that a course is on one page only. */
const orders: Record<AuthoredQuery['sort'], Prisma.CourseOrderByWithRelationInput[]> = {
  '-createdAt': [{ createdAt: 'desc' }, { id: 'desc' }],
  createdAt: [{ createdAt: 'asc' }, { id: 'asc' }],
  title: [{ title: 'asc' }, { id: 'asc' }],
  '-updatedAt': [{ updatedAt: 'desc' }, { id: 'desc' }]
}

/** What an author has written, drafts too: always from the database, so that what a generation has made is there at once. */
export class OwnCourses {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** One page. `signal` cancels what is under way. */
  page(authorId: number, query: AuthoredQuery, signal?: AbortSignal): Promise<Page<CourseItem>> {
    const { page, limit, sort, status, search } = query
    const where: Prisma.CourseWhereInput = { authorId, ...(status && { status }) }
    if (search !== undefined) {
      const part = { contains: escapeLike(search), mode: 'insensitive' } as const
      where.OR = [{ title: part }, { summary: part }]
    }
    const skip = (page - 1) * limit
    const take = Math.max(0, Math.min(limit, DEEPEST - skip))
    const read = async (tx: Transaction) => {
      const rows =
        take === 0 ? [] : await tx.course.findMany({ where, select: itemSelect, orderBy: orders[sort], skip, take })
      return toPage(rows.filter(hasAuthor).map(toItem), await tx.course.count({ where, take: DEEPEST }), query)
    }
    return this.#database.read('lists', read, signal)
  }
}
