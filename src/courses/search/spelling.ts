import type { Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { errorsBetween, oneErrorFrom } from './distance.ts'
import { isLong, isShort } from './words.ts'

/** More unknown words are not looked at: each costs a few milliseconds. */
const MOST_UNKNOWN = 4
const SHORTEST = 3
/** A longer one is not corrected: each letter is some sixty words that may be meant. */
const LONGEST = 24
/** From this length on a word may have two errors. */
const LONG = 6
/** Of similar words, how many are compared letter by letter, and from which similarity on: `pyhton` has 0.27 with `python`. */
const MOST_SIMILAR = 100
const SIMILARITY = '0.2'
/** How many courses of a word are counted, to find out which is used more. */
const MOST_COUNTED = 50

/**
 * What may be meant by words that find nothing, the likeliest first: `others`, which the same keys write on the other layout, where courses
 * have them all; then the same words with each that no course has replaced by the one that it most likely is.
 * Words with one error are found in any database, those with two where it has pg_trgm.
 */
export async function* likelyMeant(
  tx: Transaction,
  words: readonly string[],
  others: readonly string[]
): AsyncGenerator<readonly string[]> {
  const trigrams = await prepare(tx)
  const unknown = await unknownOf(tx, [...words, ...others], words.length)
  const isKnown = unknown.length === 0 || (unknown.at(-1) ?? 0) < words.length
  if (others.length > 0 && isKnown) {
    yield others
    await prepare(tx)
  }
  const corrected = await correct(
    tx,
    words,
    unknown.filter((i) => i < words.length),
    trigrams
  )
  if (corrected !== null) yield corrected
}

async function correct(
  tx: Transaction,
  words: readonly string[],
  unknown: readonly number[],
  trigrams: Prisma.Sql | undefined
): Promise<string[] | null> {
  if (unknown.length === 0 || unknown.length > MOST_UNKNOWN) return null
  const corrected = [...words]
  for (const i of unknown) {
    const meant = await meantBy(tx, words[i] ?? '', trigrams)
    if (meant === undefined) return null
    corrected[i] = meant
  }
  return corrected
}

/** Which of the words no course has, by their places. The last of each reading may be the beginning of a word. */
async function unknownOf(tx: Transaction, words: readonly string[], second: number): Promise<number[]> {
  const isLast = (i: number) => i === second - 1 || i === words.length - 1
  const queries = words.map((word, i) => {
    if (isShort(word)) return `'${word}02' | '${word}01'`
    return `'${word}'${isLast(i) && isLong(word) ? ':*' : ''} | '${word}01'`
  })
  const rows = await tx.$queryRaw<{ i: number }[]>`
    select i::int - 1 as i from unnest(${queries}::text[]) with ordinality as word (query, i)
    where not exists (select from course_search where document @@ ${matchesOf(Prisma.sql`query`)}) order by i`
  return rows.map(({ i }) => i)
}

/**
 * Resolves to the schema that pg_trgm is in; undefined without the extension. From here on, in this transaction, whether a word is anywhere
 * is asked of the indexes of words: PostgreSQL would rather read courses one by one until it finds it, all of them where it is nowhere.
 */
async function prepare(tx: Transaction): Promise<Prisma.Sql | undefined> {
  const [row] = await tx.$queryRaw<{ schema: string | null }[]>`
    select (select quote_ident(nspname) from pg_extension join pg_namespace on pg_namespace.oid = extnamespace
        where extname = 'pg_trgm') as schema,
      set_config('pg_trgm.similarity_threshold', ${SIMILARITY}, true) as threshold,
      set_config('enable_indexscan', 'off', true) as setting`
  return row?.schema ? Prisma.raw(row.schema) : undefined
}

async function meantBy(tx: Transaction, word: string, trigrams: Prisma.Sql | undefined): Promise<string | undefined> {
  if (word.length < SHORTEST || word.length > LONGEST) return undefined
  const near = await mostUsed(tx, await wordsAmong(tx, oneErrorFrom(word)))
  if (near !== undefined || trigrams === undefined || word.length < LONG) return near
  const similar = await tx.$queryRaw<{ word: string }[]>`
    select distinct word from (
      select word from search_word where word operator(${trigrams}.%) ${word}
      order by ${trigrams}.similarity(word, ${word}) desc limit ${MOST_SIMILAR}) as alike`
  return mostUsed(
    tx,
    similar.flatMap((row) => (errorsBetween(word, row.word) <= 2 ? [row.word] : []))
  )
}

/** By `between`, which the index of similar words does not know: equal words it would find a hundred times as slowly. */
async function wordsAmong(tx: Transaction, words: readonly string[]): Promise<string[]> {
  const rows = await tx.$queryRaw<{ word: string }[]>`
    select distinct word from unnest(${words}::text[]) as maybe (meant) join search_word on word between meant and meant`
  return rows.map(({ word }) => word)
}

/** Of the words the one that most titles have. */
async function mostUsed(tx: Transaction, words: readonly string[]): Promise<string | undefined> {
  if (words.length < 2) return words[0]
  const queries = words.map((word) => `'${word}'`)
  const [row] = await tx.$queryRaw<{ word: string }[]>`
    select word from (
      select word, query, (select count(*) from (
        select from course_search where title @@ query limit ${MOST_COUNTED}) as counted) as titles
      from (select word, ${matchesOf(Prisma.sql`text`)} as query
        from unnest(${words}::text[], ${queries}::text[]) as word (word, text)) as word) as counted
    where titles > 0 or exists (select from course_search where document @@ query)
    order by titles desc, word limit 1`
  return row?.word
}

/** What `to_tsquery` makes of it in any language. */
function matchesOf(text: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`(to_tsquery('pg_catalog.russian', ${text}) || to_tsquery('pg_catalog.english', ${text}) ||
    to_tsquery('pg_catalog.simple', ${text}))`
}
