import type { Transaction } from '#database/database.ts'
import { isLong, isShort, joinedOf } from './words.ts'

/** What `search_vector` and `search_as_written` of the migration put behind a word: behind a short one, and one in capitals. */
const SHORT = '02'
const CAPITALS = '00'
const AS_WRITTEN = '01'
/** What begins with the stem of AWS, `aw`, has nothing to do with it; what begins with `photograph` has. */
const SHORTEST_STEM = 5

/** Words as PostgreSQL compares them. */
export interface Query {
  /** A tsquery of all the words; null where there are none. */
  readonly words: string | null
  /** The same, where the last word may be the beginning of one. */
  readonly beginnings: string | null
  /** Whether they are words that say nothing. */
  readonly isSilent: boolean
  /** How many words must be found. */
  readonly count: number
  /** What of a text is one of them. */
  readonly wanted: readonly Wanted[]
}

export interface Wanted {
  readonly word: string
  /** Of its forms; none for a word that is looked for as it is. */
  readonly stems: readonly string[]
  /** Whether it may be the beginning of one. */
  readonly begins: boolean
  /** Which of the words it is, by their numbers: two that are written as one are both. */
  readonly of: readonly number[]
}

interface Row {
  readonly word: string
  readonly russian: string[]
  readonly english: string[]
}

/**
 * How PostgreSQL is to plan in this transaction. It takes looking into a document for as cheap as looking into a short text, and would read
 * all of them; it does not know how few courses are ranked, and would join them with all courses; and as what is off counts as
 * very dear, it would compile each query, which takes longer than to run it.
 */
const SETTINGS = {
  enable_seqscan: 'off',
  enable_indexscan: 'on',
  enable_mergejoin: 'off',
  enable_hashjoin: 'off',
  jit: 'off'
}

/**
 * Reads words as Russian, as English, and as they are, so that they find courses of every language. Those that say nothing, as `the`, are
 * left out, unless there are no others: then they are found in capitals, as `IT`, or, `inTitles`, as the words that they are.
 * It also makes the settings of a search.
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
  const telling = asked.filter(isTelling)
  const used = telling.length > 0 ? telling : asked
  const silentMark = inTitles ? AS_WRITTEN : CAPITALS
  const exact = used.map((row) => termOf(row, false, silentMark))
  const begun = used.map((row, i) => termOf(row, i === used.length - 1, silentMark))
  const joined = rows.slice(words.length).map((row, i) => {
    const parts = [used.indexOf(asked[i] ?? row), used.indexOf(asked[i + 1] ?? row)].filter((part) => part >= 0)
    return { row, parts, isLast: parts.includes(used.length - 1) }
  })
  const withJoined = (terms: string[], begins: boolean) =>
    joined.map(({ row, parts, isLast }) =>
      allOf([...terms.filter((_, i) => !parts.includes(i)), termOf(row, begins && isLast, CAPITALS)])
    )
  // Those that are left out place a course higher where they are an abbreviation: IT beside `английский`.
  const left = asked.filter((row) => !used.includes(row) && isShort(row.word))
  const higher = left.map(({ word }) => allOf([...exact, `'${word}${CAPITALS}'`]))
  return {
    words: anyOf([allOf(exact), ...withJoined(exact, false), ...higher]),
    beginnings: anyOf([allOf(begun), ...withJoined(begun, true)]),
    isSilent: telling.length === 0,
    count: used.length,
    wanted: [
      ...joined.map(({ row, parts, isLast }) => wantedOf(row, isLast, parts)),
      ...used.map((row, i) => wantedOf(row, i === used.length - 1, [i])),
      ...left.map((row) => wantedOf(row, false, []))
    ]
  }
}

function isTelling({ russian, english }: Row): boolean {
  return russian.length > 0 && english.length > 0
}

/** What finds a word. Of letters and digits: nothing has to be escaped. */
function termOf(row: Row, isLast: boolean, silentMark: string): string {
  const { word, russian, english } = row
  if (isShort(word)) return `'${word}${isTelling(row) ? SHORT : silentMark}'`
  const found = isTelling(row)
    ? [...[russian, english].map((stems) => allOf(stems.map((stem) => `'${stem}'`))), `'${word}'`]
    : [`'${word}${CAPITALS}'`, `'${word}${AS_WRITTEN}'`]
  if (!isLast || !isLong(word)) return anyOf(found) ?? ''
  const begun = (isTelling(row) ? [...russian, ...english] : []).filter((stem) => stem.length >= SHORTEST_STEM)
  const beginnings = [...begun, word].map((stem) => `'${stem}'`)
  return anyOf([...found.filter((term) => !beginnings.includes(term)), ...beginnings.map((term) => `${term}:*`)]) ?? ''
}

function wantedOf(row: Row, isLast: boolean, of: readonly number[]): Wanted {
  const { word, russian, english } = row
  const stems = isTelling(row) && !isShort(word) ? [...new Set([...russian, ...english])] : []
  return { word, stems, begins: isLast && isLong(word), of }
}

function allOf(terms: readonly string[]): string {
  return terms.length === 1 ? (terms[0] ?? '') : `(${terms.join(' & ')})`
}

/** Each once: most often all are the same, and each would be looked for. */
function anyOf(terms: readonly string[]): string | null {
  const each = [...new Set(terms)]
  if (each.length === 0) return null
  return each.length === 1 ? (each[0] ?? null) : `(${each.join(' | ')})`
}
