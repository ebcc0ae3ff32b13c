import type { Transaction } from '#database/database.ts'
import type { CourseItem, Highlight } from '../shapes.ts'
import { wordsOf } from './words.ts'

/** Of each word that was looked for. */
type Stems = readonly (readonly string[])[]

/** How much longer than its stem a form of a word is. */
const LONGEST_ENDING = 4
/** Characters of a highlight: before the first word that was found, and in all. */
const BEFORE = 60
const LENGTH = 200
/** Of a long text so much is looked into, before and after where a word was found. */
const AROUND = 300

const word = /[cf]#|c\+\+|[\p{L}\p{N}\p{M}]+/giu

/** The same courses, each with the field that has the most of the words, the first of those that have equally many. */
export async function withHighlights(tx: Transaction, items: CourseItem[], stems: Stems): Promise<CourseItem[]> {
  const short = items.map(({ title, summary }) => [mark('title', title, stems), mark('summary', summary, stems)])
  const unseen = items.filter((_, i) => (short[i] ?? []).every(({ count }) => count < stems.length))
  const long = unseen.length === 0 ? [] : await longTexts(tx, unseen, stems)
  const longOf = new Map(long.map((row) => [row.id, row]))
  return items.map((item, i) => {
    const { description, part, text } = longOf.get(item.id) ?? {}
    const marked = [
      ...(short[i] ?? []),
      ...(description ? [mark('description', description, stems)] : []),
      ...(part && text ? [mark(part, text, stems)] : [])
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
 * Of each course what stands around the first of the words in its description, and in the module or chapter that has the most of them.
 * Looked for are stems as letters: what has been found tells which of it is a word.
 */
function longTexts(tx: Transaction, items: readonly CourseItem[], stems: Stems): Promise<LongText[]> {
  const forms = stems.flatMap((stems, word) =>
    [...new Set(stems.flatMap(spellingsOf))].flatMap((text) =>
      [text, capitalized(text), text.toUpperCase()].map((text) => ({ text, word }))
    )
  )
  const texts = forms.map(({ text }) => text)
  const numbers = forms.map(({ word }) => word)
  return tx.$queryRaw<LongText[]>`
    with form as materialized (select * from unnest(${texts}::text[], ${numbers}::int[]) as form (text, word))
    select id, description, part, text from unnest(${items.map(({ id }) => id)}::int[]) as wanted (id)
    left join lateral (
      select substr(course.description, greatest(1, min(place) - ${AROUND}), ${2 * AROUND}) as description
      from course, form, nullif(strpos(course.description, form.text), 0) as place
      where course.id = wanted.id group by course.description) as described on true
    left join lateral (
      select part.part, substr(part.text, greatest(1, min(place) - ${AROUND}), ${2 * AROUND}) as text
      from (
        select 'module' as part, title || E'\n' || summary as text, position as module, 0 as chapter
        from module where course_id = wanted.id
        union all
        select 'chapter', title || E'\n' || content, (select position from module where id = module_id), position
        from chapter where course_id = wanted.id) as part,
        form, nullif(strpos(part.text, form.text), 0) as place
      where place is not null
      group by part.part, part.text, module, chapter
      order by count(distinct form.word) desc, module, chapter limit 1) as told on true`
}

interface Marked {
  readonly field: Highlight['field']
  readonly parts: Highlight['parts']
  /** How many of the words it has. */
  readonly count: number
}

function mark(field: Marked['field'], text: string, stems: Stems): Marked {
  const parts: Highlight['parts'] = []
  const found = new Set<number>()
  let end = 0
  for (const { 0: written, index } of text.matchAll(word)) {
    const which = whichOf(stems, wordsOf(written)[0] ?? '')
    if (which < 0) continue
    found.add(which)
    if (index > end) parts.push({ text: text.slice(end, index), found: false })
    end = index + written.length
    parts.push({ text: written, found: true })
  }
  if (end < text.length) parts.push({ text: text.slice(end), found: false })
  return { field, parts, count: found.size }
}

/** The number of the word that this is a form of; what begins as the last one may be one that is still being typed. */
function whichOf(stems: Stems, written: string): number {
  return stems.findIndex((stems, word, { length }) =>
    stems.flatMap(spellingsOf).some((stem) => {
      if (stem.length <= 2 || !written.startsWith(stem)) return written === stem
      return word === length - 1 || written.length - stem.length <= LONGEST_ENDING
    })
  )
}

/** English stems end in i for y. */
function spellingsOf(stem: string): string[] {
  return stem.length > 3 && stem.endsWith('i') ? [stem, `${stem.slice(0, -1)}y`] : [stem]
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
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
