import type { Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { type Page, toPage } from '#http/paging.ts'
import { readItems } from '../course-rows.ts'
import { orders } from '../orders.ts'
import type { CourseItem, CourseQuery } from '../shapes.ts'
import { withHighlights } from './highlight.ts'
import { withOtherLayout } from './keyboard.ts'
import { type Query, readWords } from './query.ts'
import { correct } from './spelling.ts'
import { wordsOf } from './words.ts'

/**
 * A search ranks so many courses at most, its pages reach them, and its total counts them: those with all words in the title, the words
 * themselves before others that begin with the last, and then the newest others.
 */
const MOST_FOUND = 1000
/** Of those without the words in the title so many are ranked by all their text, the others follow, the newest first. */
const MOST_READ = 200

export interface CourseSearch extends CourseQuery {
  readonly search: string
  readonly categoryId: number | undefined
}

/** One page of the courses that have these words; where none has, of those that have what was likely meant. */
export async function searchCourses(tx: Transaction, search: CourseSearch): Promise<Page<CourseItem>> {
  const asked = wordsOf(search.search)
  if (asked.length === 0) return toPage([], 0, search)
  for (const meanings of [async () => asked, async () => onOtherLayout(search.search), () => correct(tx, asked)]) {
    const words = await meanings()
    if (words === null || words.length === 0) continue
    const found = await find(tx, search, words)
    if (found.total > 0) return found
  }
  return toPage([], 0, search)
}

function onOtherLayout(search: string): string[] | null {
  const other = withOtherLayout(search)
  return other === search ? null : wordsOf(other)
}

async function find(tx: Transaction, search: CourseSearch, words: string[]): Promise<Page<CourseItem>> {
  const query = await readWords(tx, words)
  const candidates = candidatesOf(search, query)
  const { page, limit, sort = 'relevance' } = search
  const [table, order] =
    sort === 'relevance'
      ? [Prisma.sql`candidate`, Prisma.sql`titled desc, exact desc, rank desc, id desc`]
      : [Prisma.sql`candidate join course using (id)`, orders[sort]]
  const rows = await tx.$queryRaw<{ id: number; total: number }[]>`
    ${candidates} select id, (select count(*) from candidate)::int as total
    from ${table} order by ${order} offset ${(page - 1) * limit} limit ${limit}`
  const [first] = rows
  if (first === undefined) return toPage([], page === 1 ? 0 : await totalOf(tx, candidates), search)
  const ids = rows.map(({ id }) => id)
  const items = await readItems(
    tx,
    Prisma.sql`(select * from unnest(${ids}::int[]) with ordinality as wanted (id, place))`,
    Prisma.sql`place`
  )
  return toPage(await withHighlights(tx, items, query.stems), first.total, search)
}

async function totalOf(tx: Transaction, candidates: Prisma.Sql): Promise<number> {
  const [row] = await tx.$queryRaw<{ total: number }[]>`
    ${candidates} select count(*)::int as total from candidate`
  return row?.total ?? 0
}

/**
 * A `with` whose table `candidate` has what is found, as far as it is ranked. Where very many are found, each costs: so ids are sorted,
 * and only of those that are kept the vectors are read.
 */
function candidatesOf(search: CourseSearch, { words, beginnings }: Query): Prisma.Sql {
  const [all, begun] = [Prisma.sql`${words}::tsquery`, Prisma.sql`${beginnings}::tsquery`]
  const filter = filterOf(search)
  return Prisma.sql`with named as materialized (${newest(Prisma.sql`title @@ ${all} ${filter}`)}),
    titled as materialized (
      select course_id from named union all ${newest(Prisma.sql`title @@ ${begun} ${filter}`, Prisma.sql`named`)}),
    other as materialized (
      select course_id, row_number() over (order by course_id desc) as place
      from (${newest(Prisma.sql`document @@ ${begun} ${filter}`, Prisma.sql`titled`)}) as newest),
    candidate as materialized (
      select course_id as id, true as titled, ts_rank(title, ${all}, 1) as exact, ts_rank(title, ${begun}, 1) as rank
      from titled join course_search using (course_id)
      union all
      select course_id, false, ts_rank(document, ${all}), ts_rank(document, ${begun})
      from other join course_search using (course_id) where place <= ${MOST_READ}
      union all
      select course_id, false, -1, -1 from other where place > ${MOST_READ})`
}

/**
 * The newest ones of which this holds, beside those that a table has already, and no more than may be ranked. `+ 0`: the order is not
 * one of an index, which PostgreSQL would follow, and look into each document on its way.
 */
function newest(condition: Prisma.Sql, beside?: Prisma.Sql): Prisma.Sql {
  if (beside === undefined) {
    return Prisma.sql`(select course_id from course_search where ${condition} order by course_id + 0 desc limit ${MOST_FOUND})`
  }
  const had = Prisma.sql`(select count(*) from ${beside})`
  return Prisma.sql`(select course_id from course_search
    where ${condition} and ${had} < ${MOST_FOUND} and course_id not in (select course_id from ${beside})
    order by course_id + 0 desc limit ${MOST_FOUND} - ${had})`
}

function filterOf({ categoryId, level, language, author }: CourseSearch): Prisma.Sql {
  const conditions = [Prisma.empty]
  if (categoryId !== undefined) conditions.push(Prisma.sql`category_id = ${categoryId}`)
  if (level !== undefined) conditions.push(Prisma.sql`level = ${level}::level`)
  if (language !== undefined) conditions.push(Prisma.sql`language = lower(${language})`)
  if (author !== undefined) conditions.push(Prisma.sql`author_id = ${author}`)
  return Prisma.join(conditions, ' and ')
}
