import type { Database, Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { escapeLike } from '#database/like.ts'
import { type Page, toPage } from '#http/paging.ts'
import type { CourseItem, CourseQuery } from './shapes.ts'

/**
 * How many courses the pages of a list reach, and its total counts; of a search, where each course that is counted must be read. So a
 * page far down and a count cost the same however many courses there are.
 */
const DEEPEST_LIST = 10_000
const DEEPEST_SEARCH = 1000

/**
 * What the index of trigrams can find, as those of PostgreSQL are parts of words. Other searches, of one or two letters or of
 * punctuation, would read every course: they look at the newest ones only.
 */
const indexed = /[\p{Alphabetic}\p{Nd}]{3}/u
const NEWEST = 2000
const newest = Prisma.sql`(
  select * from course where status = 'published' order by created_at desc, id desc limit ${NEWEST}) as newest`

/** The id breaks ties, so that a course is on one page only. */
const orders: Record<CourseQuery['sort'], Prisma.Sql> = {
  '-createdAt': Prisma.sql`created_at desc, id desc`,
  createdAt: Prisma.sql`created_at, id`,
  title: Prisma.sql`title, id`,
  '-updatedAt': Prisma.sql`updated_at desc, id desc`
}

/**
 * Not in the order of an index, which would be followed until enough is found: titles that match stand together, maybe far from its
 * beginning. So what matches is found first, and then sorted.
 */
const matchesByTitle = Prisma.sql`title || '', id`

/** Lists and searches of published courses, always from the database, in a share of its connections. */
export class CourseLists {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** One page. `signal` cancels what is under way. */
  page(query: CourseQuery, signal?: AbortSignal): Promise<Page<CourseItem>> {
    const deepest = query.search === undefined ? DEEPEST_LIST : DEEPEST_SEARCH
    const read = async (tx: Transaction) => {
      const categoryId = query.category === undefined ? undefined : await categoryIdOf(tx, query.category)
      if (categoryId === null) return toPage([], 0, query)
      const matching = matchingOf(query, categoryId)
      const items = await itemsOf(tx, matching, query, deepest)
      return toPage(items, await totalOf(tx, matching, query, items.length, deepest), query)
    }
    return this.#database.read('lists', read, signal)
  }
}

/**
 * Read before the courses, so that PostgreSQL plans for this category: with a subquery it takes all for equally large, and may
 * read every course for one that has none.
 */
async function categoryIdOf(tx: Transaction, slug: string): Promise<number | null> {
  const category = await tx.category.findUnique({ where: { slug }, select: { id: true } })
  return category?.id ?? null
}

async function itemsOf(
  tx: Transaction,
  matching: Prisma.Sql,
  { page, limit, sort, search }: CourseQuery,
  deepest: number
): Promise<CourseItem[]> {
  const offset = (page - 1) * limit
  const count = Math.min(limit, deepest - offset)
  if (count <= 0) return []
  const order = search !== undefined && sort === 'title' ? matchesByTitle : orders[sort]
  // Only what is on the page is read whole and joined, and its parts counted: on the way to a page far down, an index has all that is
  // needed. Each column has a name of its own, so that the order is said once.
  const rows = await tx.$queryRaw<Row[]>`
    select id, slug, title, summary, level::text, language, status::text, created_at as "createdAt", updated_at as "updatedAt",
      category_id as "categoryId", "categorySlug", "categoryName", author_id as "authorId", "authorName",
      (select count(*) from module where course_id = course.id)::int as "moduleCount",
      (select count(*) from chapter where course_id = course.id)::int as "chapterCount"
    from (select id from ${matching} order by ${order} offset ${offset} limit ${count}) as page
    join course using (id)
    join (select id as author, name as "authorName" from app_user) as author on author = author_id
    left join (select id as category, slug as "categorySlug", name as "categoryName" from category) as category
      on category = category_id
    order by ${order}`
  return rows.map(toItem)
}

async function totalOf(
  tx: Transaction,
  matching: Prisma.Sql,
  { page, limit }: CourseQuery,
  found: number,
  deepest: number
): Promise<number> {
  // The last page tells it.
  if (found < limit && (found > 0 || page === 1)) return (page - 1) * limit + found
  const [row] = await tx.$queryRaw<{ total: number }[]>`
    select count(*)::int as total from (select from ${matching} limit ${deepest}) as counted`
  return row?.total ?? 0
}

/** The courses that are asked for: a table, and what holds for its rows. */
function matchingOf({ level, language, author, search }: CourseQuery, categoryId: number | undefined): Prisma.Sql {
  const conditions = [Prisma.sql`status = 'published'`]
  if (categoryId !== undefined) conditions.push(Prisma.sql`category_id = ${categoryId}`)
  if (level !== undefined) conditions.push(Prisma.sql`level = ${level}::level`)
  if (language !== undefined) conditions.push(Prisma.sql`lower(language) = lower(${language})`)
  if (author !== undefined) conditions.push(Prisma.sql`author_id = ${author}`)
  if (search !== undefined) {
    const pattern = Prisma.sql`lower(${`%${escapeLike(search)}%`})`
    conditions.push(Prisma.sql`search_text like ${pattern}`)
  }
  const table = search === undefined || indexed.test(search) ? Prisma.sql`course` : newest
  return Prisma.sql`${table} where ${Prisma.join(conditions, ' and ')}`
}

interface Row extends Pick<CourseItem, 'id' | 'slug' | 'title' | 'summary' | 'level' | 'language' | 'status'> {
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly categoryId: number | null
  readonly categorySlug: string | null
  readonly categoryName: string | null
  readonly authorId: number
  readonly authorName: string
  readonly moduleCount: number
  readonly chapterCount: number
}

function toItem(row: Row): CourseItem {
  const { categoryId, categorySlug, categoryName, authorId, authorName, createdAt, updatedAt, ...item } = row
  const known = categoryId !== null && categorySlug !== null && categoryName !== null
  return {
    ...item,
    category: known ? { id: categoryId, slug: categorySlug, name: categoryName } : null,
    author: { id: authorId, name: authorName },
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString()
  }
}
