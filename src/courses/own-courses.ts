import type { Database, Transaction } from '#database/database.ts'
import type { Prisma } from '#database/generated/client.ts'
import { type Page, toPage } from '#http/paging.ts'
import { hasAuthor, itemSelect, toItem } from './catalogue.ts'
import { readWords } from './search/query.ts'
import { wordsOf } from './search/words.ts'
import type { AuthoredQuery, CourseItem } from './shapes.ts'

/** How many courses the pages reach, and the total counts: admins may have any number of courses. */
const MAX_LISTED = 10_000
/** How many of the newest courses a search reads: 1,000 take about 0.1 s. */
const MOST_SEARCHED = 3000

/** The id breaks ties, so that a course is on one page only. */
const orders: Record<AuthoredQuery['sort'], Prisma.CourseOrderByWithRelationInput[]> = {
  '-createdAt': [{ createdAt: 'desc' }, { id: 'desc' }],
  createdAt: [{ createdAt: 'asc' }, { id: 'asc' }],
  title: [{ title: 'asc' }, { id: 'asc' }],
  '-updatedAt': [{ updatedAt: 'desc' }, { id: 'desc' }]
}

/** The courses of an author, including drafts, always from the database, so that generated courses appear at once. */
export class OwnCourses {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** One page. `signal` cancels the query. */
  page(authorId: number, query: AuthoredQuery, signal?: AbortSignal): Promise<Page<CourseItem>> {
    const { page, limit, sort, status, search } = query
    const skip = (page - 1) * limit
    const take = Math.max(0, Math.min(limit, MAX_LISTED - skip))
    const read = async (tx: Transaction) => {
      const where: Prisma.CourseWhereInput = { authorId, ...(status && { status }) }
      if (search !== undefined && search.trim() !== '') where.id = { in: await found(tx, authorId, search) }
      const rows =
        take === 0 ? [] : await tx.course.findMany({ where, select: itemSelect, orderBy: orders[sort], skip, take })
      return toPage(rows.filter(hasAuthor).map(toItem), await tx.course.count({ where, take: MAX_LISTED }), query)
    }
    return this.#database.read('lists', read, signal)
  }
}

/**
 * The courses with all of the words in title and summary, stemmed as in public searches. There is no index, as drafts
 * are not indexed.
 */
async function found(tx: Transaction, authorId: number, search: string): Promise<number[]> {
  const words = wordsOf(search)
  if (words.length === 0) return []
  const queries = [await readWords(tx, words), await readWords(tx, words, true)].map(({ beginnings }) => beginnings)
  const rows = await tx.$queryRaw<{ id: number }[]>`
    select id from (
      select id, search_configuration(language) as configuration, search_text(left(title, 1000)) as title,
        search_text(left(summary, 2000)) as summary
      from course where author_id = ${authorId} order by id desc limit ${MOST_SEARCHED} offset 0) as newest
    where search_vector(configuration, title || ' ' || summary)
      || to_tsvector('pg_catalog.simple', search_as_written(title)) @@ any(${queries}::tsquery[])`
  return rows.map(({ id }) => id)
}
