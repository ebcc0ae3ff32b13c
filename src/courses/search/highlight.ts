import type { Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import type { CourseItem, Highlight } from '../shapes.ts'
import type { Query, Wanted } from './query.ts'
import { isShort, wordsOf, written } from './words.ts'

/** How much longer than its stem a form of a word is; than one of two letters, only a Russian one is: осями, but not away, of AWS. */
const LONGEST_ENDING = 4
const LONGEST_OF_SHORT = 2
/** Characters of a highlight: before the first word that was found, and in all. */
const BEFORE = 60
const LENGTH = 200
/** Of a long text so much is looked into, before and after where a word was found. */
const AROUND = 300
/** How many words are looked for in long texts. Those around them are marked, too. */
const MOST_IN_LONG = 6

/** Signs that words stand for. */
const signs = new Map([
  ['cplusplus', String.raw`c\+\+`],
  ['csharp', 'c#'],
  ['fsharp', 'f#'],
  ['dotnet', String.raw`(?:asp|vb|ado)?\.net`]
])

/** The same courses, each with the field that has the most of the words, the first of those that have equally many. */
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
 * Of each course what stands around the first of the words in its description, and in the module or chapter that has the most of them:
 * of each so much as a search looks into (the migration `full_text_search`).
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

/** Without the words that are cut off: what is left of one may look like another. */
function around(text: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`btrim(regexp_replace(
    substr(${text}, greatest(1, min(place) - ${AROUND}), ${2 * AROUND}), '^[[:alnum:]]+|[[:alnum:]]+$', '', 'g'))`
}

/** A regular expression of PostgreSQL that finds it with the signs around it, which tell it from the inside of another word. */
function patternOf({ word, stems, begins }: Wanted): string {
  const endings = [
    `${alike(word)}[^[:alnum:]]`,
    ...stems.flatMap(spellingsOf).map((stem) => `${alike(stem)}[[:alnum:]]{0,${longestEnding(stem)}}[^[:alnum:]]`),
    ...(begins ? [alike(word)] : [])
  ]
  return `([^[:alnum:]](?:${signs.get(word) ?? [...new Set(endings)].join('|')}))`
}

/** In letters of any case, ё as е, and with a hyphen anywhere. */
function alike(word: string): string {
  return [...word].map((letter) => (letter === 'е' ? '[её]' : letter)).join('[-\u2011]?')
}

interface Marked {
  readonly field: Highlight['field']
  readonly parts: Highlight['parts']
  /** How many of the words it has. */
  readonly count: number
}

function mark(field: Marked['field'], text: string, wanted: readonly Wanted[]): Marked {
  const parts: Highlight['parts'] = []
  const found = new Set<number>()
  let end = 0
  for (const { text: word, index } of [...text.matchAll(written)].flatMap((match) => wordsAt(match, wanted))) {
    const which = wanted.filter((one) => isOne(one, word))
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

/** A compound in whole, where it is one of the words, or its parts. */
function wordsAt({ 0: text, index }: RegExpExecArray, wanted: readonly Wanted[]): Word[] {
  const [first = '', rest] = text.split(/[-\u2011]/u)
  if (rest === undefined || wanted.some((one) => isOne(one, text))) return [{ text, index }]
  return [
    { text: first, index },
    { text: rest, index: index + first.length + 1 }
  ]
}

/** Whether what is written is a form of the word; what begins as the last one may be one that is still being typed. */
function isOne({ word, stems, begins }: Wanted, text: string): boolean {
  const written = wordsOf(text).join('')
  // `net` finds .NET, too.
  if (written === word || (begins && written.startsWith(word)) || (written === 'dotnet' && word === 'net')) return true
  return stems
    .flatMap(spellingsOf)
    .some((stem) => written.startsWith(stem) && written.length - stem.length <= longestEnding(stem))
}

function longestEnding(stem: string): number {
  if (!isShort(stem)) return LONGEST_ENDING
  return /[а-я]/.test(stem) ? LONGEST_OF_SHORT : 0
}

/** English stems end in i for y. */
function spellingsOf(stem: string): string[] {
  return stem.length > 3 && stem.endsWith('i') ? [stem, `${stem.slice(0, -1)}y`] : [stem]
}

/** What stands around the first word that was found, in one line, cut between words. */
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
