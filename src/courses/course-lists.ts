import type { Database, Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { type Page, toPage } from '#http/paging.ts'
import { readItems } from './course-rows.ts'
import { orders } from './orders.ts'
import { searchCourses } from './search/course-search.ts'
import type { CourseItem, CourseQuery } from './shapes.ts'

/**
 * How many courses the pages of a list reach, and its total counts, so that the cost is bounded however many courses
 * there are.
 */
const MAX_LISTED = 10_000

/** Lists and searches of published courses, always from the database, in a share of its connections. */
export class CourseLists {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** One page. `signal` cancels the query. */
  page(query: CourseQuery, signal?: AbortSignal): Promise<Page<CourseItem>> {
    const read = async (tx: Transaction) => {
      const categoryId = query.category === undefined ? undefined : await categoryIdOf(tx, query.category)
      if (categoryId === null) return toPage([], 0, query)
      if (query.search !== undefined) return searchCourses(tx, { ...query, search: query.search, categoryId })
      const matching = matchingOf(query, categoryId)
      const items = await itemsOf(tx, matching, query)
      return toPage(items, await totalOf(tx, matching, query, items.length), query)
    }
    return this.#database.read('lists', read, signal)
  }
}

/**
 * Read before the courses, so that PostgreSQL plans for this category: with a subquery it assumes that all categories
 * are equally large, and may scan every course for a category that has none.
 */
async function categoryIdOf(tx: Transaction, slug: string): Promise<number | null> {
  const category = await tx.category.findUnique({ where: { slug }, select: { id: true } })
  return category?.id ?? null
}

async function itemsOf(
  tx: Transaction,
  matching: Prisma.Sql,
  { page, limit, sort }: CourseQuery
): Promise<CourseItem[]> {
  const offset = (page - 1) * limit
  const count = Math.min(limit, MAX_LISTED - offset)
  if (count <= 0) return []
  const order = orders[sort === 'relevance' || sort === undefined ? '-createdAt' : sort]
  return readItems(
    tx,
    Prisma.sql`(select id from ${matching} order by ${order} offset ${offset} limit ${count})`,
    order
  )
}

async function totalOf(
  tx: Transaction,
  matching: Prisma.Sql,
  { page, limit }: CourseQuery,
  found: number
): Promise<number> {
  // On the last page, the total is known without counting.
  if (found < limit && (found > 0 || page === 1)) return (page - 1) * limit + found
  const [row] = await tx.$queryRaw<{ total: number }[]>`
    select count(*)::int as total from (select from ${matching} limit ${MAX_LISTED}) as counted`
  return row?.total ?? 0
}

/** The courses that match the query: the `from` and `where` of a statement. */
function matchingOf({ level, language, author }: CourseQuery, categoryId: number | undefined): Prisma.Sql {
  const conditions = [Prisma.sql`status = 'published'`]
  if (categoryId !== undefined) conditions.push(Prisma.sql`category_id = ${categoryId}`)
  if (level !== undefined) conditions.push(Prisma.sql`level = ${level}::level`)
  if (language !== undefined) conditions.push(Prisma.sql`lower(language) = lower(${language})`)
  if (author !== undefined) conditions.push(Prisma.sql`author_id = ${author}`)
  return Prisma.sql`course where ${Prisma.join(conditions, ' and ')}`
}
