import type { Transaction } from '#database/database.ts'
import { isLong } from './words.ts'

const LANGUAGES = ['russian', 'english', 'simple'] as const

/** Words as PostgreSQL compares them. */
export interface Query {
  /** A tsquery of all the words; null where there are none. */
  readonly words: string | null
  /** The same, where the last word may be the beginning of one. */
  readonly beginnings: string | null
  /** Of each word. */
  readonly stems: readonly (readonly string[])[]
}

type Lexemes = Readonly<Record<(typeof LANGUAGES)[number], string>> & { readonly word: string }

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
 * left out, unless there are no others. It also makes the settings of a search.
 */
export async function readWords(tx: Transaction, words: readonly string[]): Promise<Query> {
  const rows = await tx.$queryRaw<Lexemes[]>`
    select word, array_to_string(tsvector_to_array(to_tsvector('pg_catalog.russian', word)), ' ') as russian,
      array_to_string(tsvector_to_array(to_tsvector('pg_catalog.english', word)), ' ') as english,
      array_to_string(tsvector_to_array(to_tsvector('pg_catalog.simple', word)), ' ') as simple
    from unnest(${words}::text[]) with ordinality as word (word, place),
      (select count(set_config(name, value, true)) from unnest(${Object.keys(SETTINGS)}::text[], ${Object.values(SETTINGS)}::text[])
        as setting (name, value)) as settings
    order by place`
  const telling = rows.filter(({ russian, english }) => russian !== '' && english !== '')
  const used = telling.length > 0 ? telling : rows
  return {
    words: anyReading(used, ''),
    beginnings: anyReading(used, isLong(used.at(-1)?.word ?? '') ? ':*' : ''),
    stems: used.map((row) => [...new Set(LANGUAGES.flatMap((language) => lexemesOf(row, language)))])
  }
}

/** Each reading once: most often all are the same, and each would be looked for. */
function anyReading(rows: readonly Lexemes[], ending: string): string | null {
  const readings = LANGUAGES.flatMap((language) => {
    const lexemes = rows.flatMap((row) => lexemesOf(row, language))
    // Of letters and digits: nothing has to be escaped.
    return lexemes.length === 0 ? [] : `(${lexemes.map((lexeme) => `'${lexeme}'`).join(' & ')}${ending})`
  })
  return readings.length === 0 ? null : [...new Set(readings)].join(' | ')
}

function lexemesOf(row: Lexemes, language: (typeof LANGUAGES)[number]): string[] {
  return row[language].split(' ').filter((lexeme) => lexeme !== '')
}
