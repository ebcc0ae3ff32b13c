import type { Transaction } from '#database/database.ts'
import { isLong, isShort, joinedOf } from './words.ts'

/**
 * The suffixes that `search_vector` and `search_as_written` of the migration append to short words, words in capitals,
 * and exact words.
 */
const SHORT = '02'
const CAPITALS = '00'
const AS_WRITTEN = '01'
/** Shorter stems do not match beginnings: words that begin with `aw`, the stem of AWS, are unrelated to it. */
const SHORTEST_STEM = 5

/** The words of a search, ready for PostgreSQL. */
export interface Query {
  /** A tsquery of all the words; null if there are none. */
  readonly words: string | null
  /** The same, except that the last word may be only the beginning of a word. */
  readonly beginnings: string | null
  readonly hasOnlyStopWords: boolean
  /** How many words must be found. */
  readonly count: number
  /** The words to highlight in a text. */
  readonly wanted: readonly Wanted[]
}

export interface Wanted {
  readonly word: string
  /** Its stems; none if only the exact word counts. */
  readonly stems: readonly string[]
  /** Whether it may be only the beginning of a word. */
  readonly begins: boolean
  /** The indexes of the searched words that it stands for: a compound stands for two. */
  readonly of: readonly number[]
}

interface Row {
  readonly word: string
  readonly russian: string[]
  readonly english: string[]
}

/**
 * Planner settings for this transaction. PostgreSQL underestimates the cost of reading documents, and would read all of
 * them; it does not know how few courses are ranked, and would join them with all courses. As disabled plan types count
 * as very expensive, it would also compile each query (JIT), which takes longer than running it.
 */
const SETTINGS = {
  enable_seqscan: 'off',
  enable_indexscan: 'on',
  enable_mergejoin: 'off',
  enable_hashjoin: 'off',
  jit: 'off'
}

/**
 * Reads words as Russian, as English, and as they are, so that they find courses in any language. Stop words such as
 * `the` are left out, unless there are no others: then they match in capitals, as in `IT`, or, if `inTitles`, exactly
 * as words of titles. It also applies the planner settings of a search.
 */
export async function readWords(tx: Transaction, words: readonly string[], inTitles = false): Promise<Query> {
  const rows = await tx.$queryRaw<Row[]>`
    select word, tsvector_to_array(to_tsvector('pg_catalog.russian', word)) as russian,
      tsvector_to_array(to_tsvector('pg_catalog.english', word)) as english
    from unnest(${[...words, ...joinedOf(words)]}::text[]) with ordinality as word (word, place),
      (select count(set_config(name, value, true)) from unnest(${Object.keys(SETTINGS)}::text[], ${Object.values(SETTINGS)}::text[])
        as setting (name, value)) as settings
    order by place`
  const asked = rows.slice(0, words.length)
  const meaningful = asked.filter((row) => !isStopWord(row))
  const used = meaningful.length > 0 ? meaningful : asked
  const stopWordSuffix = inTitles ? AS_WRITTEN : CAPITALS
  const exact = used.map((row) => termOf(row, false, stopWordSuffix))
  const begun = used.map((row, i) => termOf(row, i === used.length - 1, stopWordSuffix))
  const joined = rows.slice(words.length).map((row, i) => {
    const parts = [used.indexOf(asked[i] ?? row), used.indexOf(asked[i + 1] ?? row)].filter((part) => part >= 0)
    return { row, parts, isLast: parts.includes(used.length - 1) }
  })
  const withJoined = (terms: string[], begins: boolean) =>
    joined.map(({ row, parts, isLast }) =>
      allOf([...terms.filter((_, i) => !parts.includes(i)), termOf(row, begins && isLast, CAPITALS)])
    )
  // Stop words that are left out still raise the rank of a course that has them as an abbreviation: IT next to
  // `английский`.
  const leftOut = asked.filter((row) => !used.includes(row) && isShort(row.word))
  const abbreviations = leftOut.map(({ word }) => allOf([...exact, `'${word}${CAPITALS}'`]))
  return {
    words: anyOf([allOf(exact), ...withJoined(exact, false), ...abbreviations]),
    beginnings: anyOf([allOf(begun), ...withJoined(begun, true)]),
    hasOnlyStopWords: meaningful.length === 0,
    count: used.length,
    wanted: [
      ...joined.map(({ row, parts, isLast }) => wantedOf(row, isLast, parts)),
      ...used.map((row, i) => wantedOf(row, i === used.length - 1, [i])),
      ...leftOut.map((row) => wantedOf(row, false, []))
    ]
  }
}

/** PostgreSQL has no stems for stop words. */
function isStopWord({ russian, english }: Row): boolean {
  return russian.length === 0 || english.length === 0
}

/** The tsquery for one word. Words consist of letters and digits, so nothing has to be escaped. */
function termOf(row: Row, isLast: boolean, stopWordSuffix: string): string {
  const { word, russian, english } = row
  if (isShort(word)) return `'${word}${isStopWord(row) ? stopWordSuffix : SHORT}'`
  const found = isStopWord(row)
    ? [`'${word}${CAPITALS}'`, `'${word}${AS_WRITTEN}'`]
    : [...[russian, english].map((stems) => allOf(stems.map((stem) => `'${stem}'`))), `'${word}'`]
  if (!isLast || !isLong(word)) return anyOf(found) ?? ''
  const begun = (isStopWord(row) ? [] : [...russian, ...english]).filter((stem) => stem.length >= SHORTEST_STEM)
  const beginnings = [...begun, word].map((stem) => `'${stem}'`)
  return anyOf([...found.filter((term) => !beginnings.includes(term)), ...beginnings.map((term) => `${term}:*`)]) ?? ''
}

function wantedOf(row: Row, isLast: boolean, of: readonly number[]): Wanted {
  const { word, russian, english } = row
  const stems = isStopWord(row) || isShort(word) ? [] : [...new Set([...russian, ...english])]
  return { word, stems, begins: isLast && isLong(word), of }
}

function allOf(terms: readonly string[]): string {
  return terms.length === 1 ? (terms[0] ?? '') : `(${terms.join(' & ')})`
}

/** Without duplicates: often all terms are equal, and PostgreSQL would search for each. */
function anyOf(terms: readonly string[]): string | null {
  const each = [...new Set(terms)]
  if (each.length === 0) return null
  return each.length === 1 ? (each[0] ?? null) : `(${each.join(' | ')})`
}
