import type { Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { type Page, toPage } from '#http/paging.ts'
import { readItems } from '../course-rows.ts'
import { orders } from '../orders.ts'
import type { CourseItem, CourseQuery } from '../shapes.ts'
import { withHighlights } from './highlight.ts'
import { withOtherLayout } from './keyboard.ts'
import { type Query, readWords } from './query.ts'
import { likelyMeant } from './spelling.ts'
import { isLong, wordsOf } from './words.ts'

/**
 * A search ranks so many courses at most, its pages reach them, and its total counts them: those with all words in the title, the words
 * themselves before others that begin with the last, and then the newest others.
 */
const MOST_FOUND = 1000
/** Of those without the words in the title so many are ranked by all their text, the others follow, the newest first. */
const MOST_READ = 200
/** What so many of the newest courses have, of such a sample, is common. */
const COMMON = 28
const SAMPLE = 400

export interface CourseSearch extends CourseQuery {
  readonly search: string
  readonly categoryId: number | undefined
}

/** One page of the courses that have these words; where none has, of those that have what was likely meant. */
export async function searchCourses(tx: Transaction, search: CourseSearch): Promise<Page<CourseItem>> {
  const asked = wordsOf(search.search)
  if (asked.length === 0) return toPage([], 0, search)
  const query = await readWords(tx, asked)
  const found = await find(tx, search, query)
  if (found.total > 0) return found
  if (query.isSilent) {
    const found = await find(tx, search, await readWords(tx, asked, true))
    if (found.total > 0) return found
  }
  const onOtherLayout = withOtherLayout(search.search)
  const others = wordsOf(onOtherLayout)
  // What `C` is there, nobody means who looks for C++.
  const mayBeMeant = onOtherLayout !== search.search && others.some(isLong)
  for await (const words of likelyMeant(tx, asked, mayBeMeant ? others : [])) {
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

/** A `with` whose table `candidate` has what is found, as far as it is ranked. */
function candidatesOf(search: CourseSearch, { words, beginnings }: Query): Prisma.Sql {
  const [all, begun] = [Prisma.sql`${words}::tsquery`, Prisma.sql`${beginnings}::tsquery`]
  const filter = filterOf(search)
  // Titles are short enough to be taken along: to look so many up again costs more.
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
 * Tables of a `with`, the last of which is `name`: the newest courses of which `condition` holds, beside those that another table has, and
 * no more than may be ranked. What a sample shows to be common is found fastest in the order of the ids, and what is rare by the index of
 * words, of which all that match are sorted then. `+ 0` keeps PostgreSQL from the first way, for which it decides too often.
 */
function newest(name: string, columns: Prisma.Sql, condition: Prisma.Sql, beside?: string): Prisma.Sql {
  const [table, isCommon] = [Prisma.raw(name), Prisma.raw(`${name}_is_common`)]
  const had = beside === undefined ? Prisma.sql`0` : Prisma.sql`(select count(*) from ${Prisma.raw(beside)})`
  const others =
    beside === undefined ? Prisma.empty : Prisma.sql`and course_id not in (select course_id from ${Prisma.raw(beside)})`
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
