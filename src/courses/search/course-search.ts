import type { Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { type Page, toPage } from '#http/paging.ts'
import { readItems } from '../course-rows.ts'
import { orders } from '../orders.ts'
import type { CourseItem, CourseQuery } from '../shapes.ts'
import { withHighlights } from './highlight.ts'
import { withOtherLayout } from './keyboard.ts'
import { type Query, readWords } from './query.ts'
import { likelyCorrections } from './spelling.ts'
import { isLong, wordsOf } from './words.ts'

/**
 * The maximum number of courses that a search finds, pages and counts. First come those with all words in the title
 * (exact matches before those where the last word is only a beginning), then the newest others.
 */
const MOST_FOUND = 1000
/**
 * Of the courses without all words in the title, how many are ranked by their whole text. The rest follow, newest
 * first.
 */
const MOST_READ = 200
/** A condition is common if this many of the newest `SAMPLE` courses match it. */
const COMMON = 28
const SAMPLE = 400

export interface CourseSearch extends CourseQuery {
  readonly search: string
  readonly categoryId: number | undefined
}

/** One page of the courses that contain these words; if there are none, of those that match a likely correction. */
export async function searchCourses(tx: Transaction, search: CourseSearch): Promise<Page<CourseItem>> {
  const asked = wordsOf(search.search)
  if (asked.length === 0) return toPage([], 0, search)
  const query = await readWords(tx, asked)
  const found = await find(tx, search, query)
  if (found.total > 0) return found
  if (query.hasOnlyStopWords) {
    const found = await find(tx, search, await readWords(tx, asked, true))
    if (found.total > 0) return found
  }
  const onOtherLayout = withOtherLayout(search.search)
  const others = wordsOf(onOtherLayout)
  // A single letter is not enough: a search for C++ does not mean what the key C types on the other layout.
  const mayBeMeant = onOtherLayout !== search.search && others.some(isLong)
  for await (const words of likelyCorrections(tx, asked, mayBeMeant ? others : [])) {
    const found = await find(tx, search, await readWords(tx, words))
    if (found.total > 0) return found
  }
  return found
}

async function find(tx: Transaction, search: CourseSearch, query: Query): Promise<Page<CourseItem>> {
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
  return toPage(await withHighlights(tx, items, query), first.total, search)
}

async function totalOf(tx: Transaction, candidates: Prisma.Sql): Promise<number> {
  const [row] = await tx.$queryRaw<{ total: number }[]>`
    ${candidates} select count(*)::int as total from candidate`
  return row?.total ?? 0
}

/** A `with` clause whose table `candidate` contains the courses found, with their ranks. */
function candidatesOf(search: CourseSearch, { words, beginnings }: Query): Prisma.Sql {
  const [all, begun] = [Prisma.sql`${words}::tsquery`, Prisma.sql`${beginnings}::tsquery`]
  const filter = filterOf(search)
  // Titles are short: selecting them here costs less than looking up so many again.
  const title = Prisma.sql`course_id, title`
  return Prisma.sql`with ${newest('named', title, Prisma.sql`title @@ ${all} ${filter}`)},
    ${newest('begun', title, Prisma.sql`title @@ ${begun} ${filter}`, 'named')},
    titled as materialized (select * from named union all select * from begun),
    ${newest('other', Prisma.sql`course_id`, Prisma.sql`document @@ ${begun} ${filter}`, 'titled')},
    placed as materialized (select course_id, row_number() over (order by course_id desc) as place from other),
    candidate as materialized (
      select course_id as id, true as titled, ts_rank(title, ${all}, 1) as exact, ts_rank(title, ${begun}, 1) as rank from titled
      union all
      select course_id, false, ts_rank(document, ${all}), ts_rank(document, ${begun})
      from placed join course_search using (course_id) where place <= ${MOST_READ}
      union all
      select course_id, false, -1, -1 from placed where place > ${MOST_READ})`
}

/**
 * Tables of a `with` clause, the last of which is called `name`: the newest courses that match `condition`, without
 * those in the table `except`, and no more than may be ranked. A sample decides how they are found. If the condition is
 * common, scanning in the order of ids is fastest; if it is rare, the index of words, and then sorting all matches. `+
 * 0` prevents the scan, which PostgreSQL chooses too often.
 */
function newest(name: string, columns: Prisma.Sql, condition: Prisma.Sql, except?: string): Prisma.Sql {
  const [table, isCommon] = [Prisma.raw(name), Prisma.raw(`${name}_is_common`)]
  const had = except === undefined ? Prisma.sql`0` : Prisma.sql`(select count(*) from ${Prisma.raw(except)})`
  const others =
    except === undefined ? Prisma.empty : Prisma.sql`and course_id not in (select course_id from ${Prisma.raw(except)})`
  const matching = Prisma.sql`select ${columns} from course_search where ${condition} ${others} and ${had} < ${MOST_FOUND}`
  return Prisma.sql`${isCommon} as materialized (
      select count(*) >= ${COMMON} as so
      from (select * from course_search where ${had} < ${MOST_FOUND} order by course_id desc limit ${SAMPLE}) as sample where ${condition}),
    ${table} as materialized (
      (${matching} and (select so from ${isCommon}) order by course_id desc limit ${MOST_FOUND} - ${had})
      union all
      (${matching} and not (select so from ${isCommon}) order by course_id + 0 desc limit ${MOST_FOUND} - ${had}))`
}

function filterOf({ categoryId, level, language, author }: CourseSearch): Prisma.Sql {
  const conditions = [Prisma.empty]
  if (categoryId !== undefined) conditions.push(Prisma.sql`category_id = ${categoryId}`)
  if (level !== undefined) conditions.push(Prisma.sql`level = ${level}::level`)
  if (language !== undefined) conditions.push(Prisma.sql`language = lower(${language})`)
  if (author !== undefined) conditions.push(Prisma.sql`author_id = ${author}`)
  return Prisma.join(conditions, ' and ')
}
