import type { Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { errorsBetween, oneErrorFrom } from './distance.ts'
import { isLong, isShort } from './words.ts'

/** With more unknown words, nothing is corrected: each costs a few milliseconds. */
const MOST_UNKNOWN = 4
const SHORTEST = 3
/** A longer word is not corrected: each letter adds some sixty candidates. */
const LONGEST = 24
/** From this length on, a word may have two typos. */
const LONG = 6
/**
 * How many similar words are compared letter by letter, and how similar they must be: `pyhton` and `python` have 0.27.
 */
const MOST_SIMILAR = 100
const SIMILARITY = '0.2'
/** How many courses per word are counted, to find out which word is used more. */
const MOST_COUNTED = 50

/**
 * Likely corrections of words that find nothing, the likeliest first: `others`, what the same keys type on the other
 * layout, if courses contain all of them; then the same words with each unknown one replaced by the most likely known
 * one. One typo per word can be corrected in any database, two only if it has pg_trgm.
 */
export async function* likelyCorrections(
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
    const meant = await correctionOf(tx, words[i] ?? '', trigrams)
    if (meant === undefined) return null
    corrected[i] = meant
  }
  return corrected
}

/**
 * The indexes of words that no course contains. `second` is where the other layout begins; the last word of each may be
 * incomplete.
 */
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
 * Resolves to the schema of pg_trgm; undefined without the extension. For the rest of the transaction, it makes
 * PostgreSQL use the index of words to find out whether a word exists: it would rather read courses one by one until it
 * finds the word, or all of them.
 */
async function prepare(tx: Transaction): Promise<Prisma.Sql | undefined> {
  const [row] = await tx.$queryRaw<{ schema: string | null }[]>`
    select (select quote_ident(nspname) from pg_extension join pg_namespace on pg_namespace.oid = extnamespace
        where extname = 'pg_trgm') as schema,
      set_config('pg_trgm.similarity_threshold', ${SIMILARITY}, true) as threshold,
      set_config('enable_indexscan', 'off', true) as setting`
  return row?.schema ? Prisma.raw(row.schema) : undefined
}

async function correctionOf(
  tx: Transaction,
  word: string,
  trigrams: Prisma.Sql | undefined
): Promise<string | undefined> {
  if (word.length < SHORTEST || word.length > LONGEST) return undefined
  const near = await mostUsed(tx, await knownWords(tx, oneErrorFrom(word)))
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

/**
 * Uses `between`, which the index of similar words does not support: with that index, equality would be a hundred times
 * slower.
 */
async function knownWords(tx: Transaction, words: readonly string[]): Promise<string[]> {
  const rows = await tx.$queryRaw<{ word: string }[]>`
    select distinct word from unnest(${words}::text[]) as maybe (meant) join search_word on word between meant and meant`
  return rows.map(({ word }) => word)
}

/** The word that occurs in the most titles. */
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

/** The text as a `tsquery` in any of the languages. */
function matchesOf(text: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`(to_tsquery('pg_catalog.russian', ${text}) || to_tsquery('pg_catalog.english', ${text}) ||
    to_tsquery('pg_catalog.simple', ${text}))`
}
