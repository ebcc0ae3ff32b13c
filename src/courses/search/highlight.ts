import type { Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import type { CourseItem, Highlight } from '../shapes.ts'
import type { Query, Wanted } from './query.ts'
import { isShort, wordsOf, written } from './words.ts'

/**
 * How much longer than its stem a form of a word may be. If the stem has two letters, only Russian words have such
 * forms: осями is one, but away is not a form of AWS.
 */
const LONGEST_ENDING = 4
const LONGEST_ENDING_OF_SHORT = 2
/** The length of a highlight in characters: before the first word that was found, and in total. */
const BEFORE = 60
const LENGTH = 200
/** How many characters of a long text are read before and after the place where a word was found. */
const AROUND = 300
/** How many words are searched for in long texts. Other words near them are marked, too. */
const MOST_IN_LONG = 6

/** Patterns for the names that `wordsOf` spells out. */
const symbols = new Map([
  ['cplusplus', String.raw`c\+\+`],
  ['csharp', 'c#'],
  ['fsharp', 'f#'],
  ['dotnet', String.raw`(?:asp|vb|ado)?\.net`]
])

/** The same courses, each with a highlight of the field that contains the most of the words (the first of several). */
export async function withHighlights(
  tx: Transaction,
  items: CourseItem[],
  { wanted, count }: Query
): Promise<CourseItem[]> {
  const short = items.map(({ title, summary }) => [mark('title', title, wanted), mark('summary', summary, wanted)])
  const unseen = items.filter((_, i) => (short[i] ?? []).every((marked) => marked.count < count))
  const long = unseen.length === 0 ? [] : await longTexts(tx, unseen, wanted)
  const longOf = new Map(long.map((row) => [row.id, row]))
  return items.map((item, i) => {
    const { description, part, text } = longOf.get(item.id) ?? {}
    const marked = [
      ...(short[i] ?? []),
      ...(description ? [mark('description', description, wanted)] : []),
      ...(part && text ? [mark(part, text, wanted)] : [])
    ]
    const [best] = marked.sort((a, b) => b.count - a.count)
    if (best === undefined || best.count === 0) return item
    return { ...item, highlight: { field: best.field, parts: shorten(best.parts) } }
  })
}

interface LongText {
  readonly id: number
  readonly description: string | null
  readonly part: 'module' | 'chapter' | null
  readonly text: string | null
}

/**
 * For each course, the text around the first of the words in its description, and in the module or chapter that
 * contains the most of them. It reads only as much of each text as a search indexes (the migration `full_text_search`).
 */
function longTexts(tx: Transaction, items: readonly CourseItem[], wanted: readonly Wanted[]): Promise<LongText[]> {
  const some = wanted.slice(0, MOST_IN_LONG)
  const patterns = some.map(patternOf)
  const numbers = some.map(({ of }) => of[0] ?? -1)
  return tx.$queryRaw<LongText[]>`
    with form as materialized (select * from unnest(${patterns}::text[], ${numbers}::int[]) as form (pattern, word))
    select id, description, part, text from unnest(${items.map(({ id }) => id)}::int[]) as wanted (id)
    left join lateral (
      select ${around(Prisma.sql`text`)} as description
      from (select ' ' || left(description, 20000) || ' ' as text from course where course.id = wanted.id) as course, form,
        strpos(text, (regexp_match(text, form.pattern, 'i'))[1]) as place
      where place is not null group by text) as described on true
    left join lateral (
      select part.part, ${around(Prisma.sql`part.text`)} as text
      from (
        select 'module' as part, ' ' || left(title, 200) || E'\n' || left(summary, 500) || ' ' as text, position as module, 0 as chapter
        from module where course_id = wanted.id
        union all
        select 'chapter', ' ' || left(title, 200) || E'\n' || left(content, (100000 / count(*) over ())::int) || ' ',
          (select position from module where id = module_id), position
        from chapter where course_id = wanted.id) as part,
        form, strpos(part.text, (regexp_match(part.text, form.pattern, 'i'))[1]) as place
      where place is not null
      group by part.part, part.text, module, chapter
      order by count(distinct form.word) desc, module, chapter limit 1) as told on true`
}

/**
 * The text around a place, without the words at both ends that are cut off: the rest of one may look like another word.
 */
function around(text: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`btrim(regexp_replace(
    substr(${text}, greatest(1, min(place) - ${AROUND}), ${2 * AROUND}), '^[[:alnum:]]+|[[:alnum:]]+$', '', 'g'))`
}

/**
 * A PostgreSQL regular expression that finds a word with the characters around it, so that it does not match inside
 * another word.
 */
function patternOf({ word, stems, begins }: Wanted): string {
  const endings = [
    `${anySpelling(word)}[^[:alnum:]]`,
    ...stems
      .flatMap(spellingsOf)
      .map((stem) => `${anySpelling(stem)}[[:alnum:]]{0,${longestEnding(stem)}}[^[:alnum:]]`),
    ...(begins ? [anySpelling(word)] : [])
  ]
  return `([^[:alnum:]](?:${symbols.get(word) ?? [...new Set(endings)].join('|')}))`
}

/** A pattern that treats ё as е and allows a hyphen anywhere. */
function anySpelling(word: string): string {
  return [...word].map((letter) => (letter === 'е' ? '[её]' : letter)).join('[-\u2011]?')
}

interface Marked {
  readonly field: Highlight['field']
  readonly parts: Highlight['parts']
  /** How many of the searched words it contains. */
  readonly count: number
}

function mark(field: Marked['field'], text: string, wanted: readonly Wanted[]): Marked {
  const parts: Highlight['parts'] = []
  const found = new Set<number>()
  let end = 0
  for (const { text: word, index } of [...text.matchAll(written)].flatMap((match) => wordsAt(match, wanted))) {
    const which = wanted.filter((one) => matches(one, word))
    if (which.length === 0) continue
    for (const number of which.flatMap(({ of }) => of)) found.add(number)
    if (index > end) parts.push({ text: text.slice(end, index), found: false })
    end = index + word.length
    parts.push({ text: word, found: true })
  }
  if (end < text.length) parts.push({ text: text.slice(end), found: false })
  return { field, parts, count: found.size }
}

interface Word {
  readonly text: string
  readonly index: number
}

/** A compound as a whole if it matches, otherwise its parts. */
function wordsAt({ 0: text, index }: RegExpExecArray, wanted: readonly Wanted[]): Word[] {
  const [first = '', rest] = text.split(/[-\u2011]/u)
  if (rest === undefined || wanted.some((one) => matches(one, text))) return [{ text, index }]
  return [
    { text: first, index },
    { text: rest, index: index + first.length + 1 }
  ]
}

/** Whether the text is a form of the word, or begins with it: the last word of a search may still be incomplete. */
function matches({ word, stems, begins }: Wanted, text: string): boolean {
  const written = wordsOf(text).join('')
  // `net` finds .NET, too.
  if (written === word || (begins && written.startsWith(word)) || (written === 'dotnet' && word === 'net')) return true
  return stems
    .flatMap(spellingsOf)
    .some((stem) => written.startsWith(stem) && written.length - stem.length <= longestEnding(stem))
}

function longestEnding(stem: string): number {
  if (!isShort(stem)) return LONGEST_ENDING
  return /[а-я]/.test(stem) ? LONGEST_ENDING_OF_SHORT : 0
}

/** In English stems, i may stand for y at the end. */
function spellingsOf(stem: string): string[] {
  return stem.length > 3 && stem.endsWith('i') ? [stem, `${stem.slice(0, -1)}y`] : [stem]
}

/** The text around the first word that was found, as one line, cut between words. */
function shorten(parts: Highlight['parts']): Highlight['parts'] {
  const shown: Highlight['parts'] = []
  const first = parts.findIndex(({ found }) => found)
  let left = LENGTH
  for (const [i, { text, found }] of parts.entries()) {
    if (i < first - 1) continue
    if (left <= 0) break
    let line = text.replace(/\s+/gu, ' ')
    if (i === first - 1 && line.length > BEFORE) line = `…${line.slice(-BEFORE).replace(/^\S*\s/u, ' ')}`
    if (!found && line.length > left) line = `${line.slice(0, left).replace(/\s\S*$/u, ' ')}…`
    left -= line.length
    shown.push({ text: line, found })
  }
  return shown
}
