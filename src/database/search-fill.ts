import type { Database, Transaction } from './database.ts'

/** Small, so that writers of these courses wait only briefly. */
const BATCH_SIZE = 25

/**
 * Builds the search index for published courses that no trigger has indexed: those from before the migration
 * `full_text_search`, or loaded without triggers. Each batch is a transaction of its own, so that other writers can
 * proceed, and an interrupted run can be resumed. Resolves to the number of courses.
 */
export async function fillSearch(database: Database): Promise<number> {
  let filled = 0
  for (let after: number | undefined = 0; after !== undefined; ) {
    const ids: number[] = await database.write((tx) => fillAfter(tx, after ?? 0))
    filled += ids.length
    after = ids.at(-1)
  }
  return filled
}

/**
 * Indexes the next batch after the id `after`; resolves to its ids. Cached searches lack these courses, so they are
 * invalidated.
 */
async function fillAfter(tx: Transaction, after: number): Promise<number[]> {
  const rows = await tx.$queryRaw<{ id: number }[]>`
    select id from course where status = 'published' and id > ${after}
      and not exists (select from course_search where course_id = id and course_id > ${after}) order by id limit ${BATCH_SIZE}`
  const ids = rows.map(({ id }) => id)
  if (ids.length > 0) await tx.$queryRaw`select search_refresh(${ids}::int[])::text, cache_touch('search')::text`
  return ids
}
