import type { Database, Transaction } from './database.ts'

/** Few enough that a writer of one of them waits for a moment. */
const PORTION = 25

/**
 * Makes those published courses ready for searches that no trigger has seen: those from before the migration `full_text_search`, or loaded
 * without triggers. Each portion is a transaction of its own, so that others write meanwhile, and one that is broken off is gone on with.
 * Resolves to how many there were.
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

/** The ids of the next portion, found without those before it. What has been cached of searches meanwhile does not have them. */
async function fillAfter(tx: Transaction, after: number): Promise<number[]> {
  const rows = await tx.$queryRaw<{ id: number }[]>`
    select id from course where status = 'published' and id > ${after}
      and not exists (select from course_search where course_id = id and course_id > ${after}) order by id limit ${PORTION}`
  const ids = rows.map(({ id }) => id)
  if (ids.length > 0) await tx.$queryRaw`select search_refresh(${ids}::int[])::text, cache_touch('search')::text`
  return ids
}
