import { type Static, type TObject, Type } from 'typebox'
import { Check } from 'typebox/schema'
import { composed, MAX_MARKS } from '#bounds/combining-marks.ts'
import { describeMisfit } from '#http/validation.ts'
import { NewChapter, NewCourse, NewModule } from './authoring-shapes.ts'
import { badField, badLine, type FrontMatter, readFrontMatter } from './front-matter.ts'
import { MAX_PARTS } from './positions.ts'

const exact = { additionalProperties: false }
const Facts = Type.Omit(NewCourse, ['categoryId'], exact)
const ModuleFacts = Type.Pick(NewModule, ['title', 'summary'], exact)
const ChapterFacts = Type.Pick(NewChapter, ['title', 'content', 'minutes'], exact)

interface ReadModule {
  readonly title: string
  summary: string
  readonly chapters: Static<typeof ChapterFacts>[]
}

/** A course read from a file. */
export interface ReadCourse extends Static<typeof Facts> {
  /** The slug of its category, and the line that it is in. */
  readonly category: { readonly slug: string; readonly line: number } | null
  readonly modules: readonly ReadModule[]
}

/** Parsing blocks the event loop, and each line takes time, however short it is. */
const MAX_LINES = 300_000
/** How many characters of a line are examined to find out whether it is a heading. */
const MAX_HEADING = 500

/**
 * Reads a course from Markdown: an export, or a text with headings. It is normalized to NFC, like JSON bodies. Throws
 * 400 with the number of the line that is invalid.
 */
export function readCourseFile(text: string): ReadCourse {
  const lines = text.replace(/^\ufeff/, '').split('\n', MAX_LINES + 1)
  if (lines.length > MAX_LINES) throw badLine(MAX_LINES, `a file may have at most ${MAX_LINES} lines`)
  for (const [at, line] of lines.entries()) {
    const form = composed(line)
    if (form === null) throw badLine(at + 1, `more than ${MAX_MARKS} combining marks follow one another`)
    lines[at] = form
  }
  const { facts, end } = readFrontMatter(lines)
  const reader = new CourseReader(lines, end, facts)
  if (facts.marker === undefined) reader.readHeadings()
  else reader.readMarked(facts.marker)
  return reader.course()
}

class CourseReader {
  readonly #lines: readonly string[]
  readonly #facts: FrontMatter
  readonly #modules: ReadModule[] = []
  #at: number
  #title: string | null = null
  readonly #lineOf = new Map<string, number>()
  #description = ''

  constructor(lines: readonly string[], start: number, facts: FrontMatter) {
    this.#lines = lines
    this.#at = start
    this.#facts = facts
  }

  course(): ReadCourse {
    const { level = 'beginner', language, category, lines } = this.#facts
    const title = this.#title ?? this.#facts.title
    if (title === undefined) throw badLine(1, 'the title is missing: a line that begins with "# "')
    if (language === undefined) {
      throw badLine(1, 'language is missing: begin the file with the three lines "---", "language: en" and "---"')
    }
    const facts = { title, summary: this.#facts.summary ?? title, description: this.#description, level, language }
    if (!Check(Facts, facts)) throw badField(new Map([...lines, ...this.#lineOf]), describeMisfit(Facts, facts))
    const named = category === undefined ? null : { slug: category, line: lines.get('category') ?? 1 }
    return { ...facts, category: named, modules: this.#modules }
  }

  /** Reads an export: all text is between markers, with only headings and anchors outside them. */
  readMarked(word: string): void {
    const marker = new RegExp(`^<!-- ${word}:(\\w+)(?: minutes=(\\d{1,9}))? -->$`)
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#line()
      const [, name, minutes] = marker.exec(line) ?? []
      if (name === 'contents') this.#block(word, name)
      else if (name === 'description') {
        this.#lineOf.set(name, this.#at + 1)
        this.#description = this.#block(word, name)
      } else if (name === 'module') this.#module(this.#heading('## '))
      else if (name === 'summary') this.#summary(this.#block(word, name))
      else if (name === 'chapter') {
        const start = this.#at
        const title = this.#heading('### ')
        while (this.#at + 1 < this.#lines.length && this.#line(1).trim() === '') this.#at++
        this.#at++
        if (this.#line() !== `<!-- ${word}:content -->`)
          throw badLine(this.#at + 1, 'the marker of the content is missing here')
        const content = this.#block(word, 'content')
        this.#chapter({ title, content, ...(minutes !== undefined && { minutes: Number(minutes) }) }, start)
      } else if (line.startsWith('# ') && this.#title === null) this.#setTitle(line.slice(2))
      else if (line.trim() !== '' && !/^<a id="[\w-]*"><\/a>$/.test(line)) {
        throw badLine(this.#at + 1, 'this text is outside the markers, and would be lost')
      }
    }
  }

  /** Reads a text without markers: `#` is the course, `##` a module, `###` a chapter. In code blocks these are text. */
  readHeadings(): void {
    let text: string[] = []
    let start = this.#at
    let chapter: string | null = null
    let fence: string | null = null
    const finish = () => {
      const first = text.findIndex((line) => line.trim() !== '')
      const content = first < 0 ? '' : text.slice(first).join('\n').trimEnd()
      const module = this.#modules.at(-1)
      if (chapter !== null) this.#chapter({ title: chapter, content }, start)
      else if (module === undefined) this.#description = content
      else if (content !== '' && content.length <= 500 && !content.includes('\n')) this.#summary(content)
      else if (content !== '') this.#chapter({ title: module.title, content }, start)
      text = []
      start = this.#at
    }
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#line()
      const [mark] = /^(`{3,}|~{3,})/.exec(line) ?? []
      if (fence === null) fence = mark ?? null
      else if (mark?.startsWith(fence)) fence = null
      const [signs, title] = fence === null ? headingOf(line.slice(0, MAX_HEADING)) : NO_HEADING
      if (signs === '#' && this.#title === null) this.#setTitle(title)
      else if (signs === '##' || signs === '###') {
        finish()
        chapter = signs === '##' ? null : title
        if (signs === '##') this.#module(title)
        else if (this.#modules.length === 0)
          throw badLine(this.#at + 1, 'a chapter before any module: begin one with "## "')
      } else text.push(this.#lines[this.#at] ?? '')
    }
    finish()
  }

  /** A line without the carriage return of Windows. */
  #line(ahead = 0): string {
    return (this.#lines[this.#at + ahead] ?? '').replace(/\r$/, '')
  }

  /** The unchanged text between the marker at this line and its end marker. */
  #block(word: string, name: string): string {
    const start = this.#at
    const end = `<!-- /${word}:${name} -->`
    do {
      this.#at++
      // No text contains a line that begins like a marker, so another marker means that the end marker is missing.
      const isOver = this.#at >= this.#lines.length || /^<!-- \/?(\w+):/.exec(this.#line())?.[1] === word
      if (isOver && this.#line() !== end) throw badLine(start + 1, `the end marker of this is missing: ${end}`)
    } while (this.#line() !== end)
    const text = this.#lines.slice(start + 1, this.#at).join('\n')
    // An editor has changed all line endings, including that of the last line.
    return this.#lines[start]?.endsWith('\r') ? text.replace(/\r$/, '') : text
  }

  #heading(mark: '## ' | '### '): string {
    const start = this.#at
    while (++this.#at < this.#lines.length) {
      const line = this.#line()
      if (line.startsWith(mark)) return line.slice(mark.length)
      if (line.trim() !== '' && !line.startsWith('<a ')) break
    }
    throw badLine(start + 1, `after this line, the title is missing: a line that begins with "${mark}"`)
  }

  #setTitle(title: string): void {
    this.#title = title
    this.#lineOf.set('title', this.#at + 1)
  }

  #module(title: string): void {
    if (this.#modules.length >= MAX_PARTS) throw badLine(this.#at + 1, `a course can have at most ${MAX_PARTS} modules`)
    this.#modules.push({ ...checked(ModuleFacts, { title }, this.#at + 1), summary: '', chapters: [] })
  }

  #summary(summary: string): void {
    const module = this.#modules.at(-1)
    if (module === undefined) throw badLine(this.#at + 1, 'a summary before any module')
    module.summary = checked(ModuleFacts, { title: module.title, summary }, this.#at + 1).summary ?? ''
  }

  #chapter(chapter: object, line: number): void {
    const module = this.#modules.at(-1)
    if (module === undefined) throw badLine(line + 1, 'a chapter before any module')
    if (module.chapters.length >= MAX_PARTS) throw badLine(line + 1, `a module can have at most ${MAX_PARTS} chapters`)
    module.chapters.push(checked(ChapterFacts, chapter, line + 1))
  }
}

const NO_HEADING = ['', ''] as const

/** The `#` signs and the title of a heading. Closing signs do not belong to the title: `## Keys ##`, but `## C#`. */
function headingOf(line: string): readonly [signs: string, title: string] {
  const signs = /^#{1,3}(?= )/.exec(line)?.[0]
  if (signs === undefined) return NO_HEADING
  const title = line.slice(signs.length).trim()
  let end = title.length
  while (title[end - 1] === '#') end--
  return [signs, end === 0 || title[end - 1] === ' ' ? title.slice(0, end).trimEnd() : title]
}

function checked<T extends TObject>(schema: T, value: unknown, line: number): Static<T> {
  if (Check(schema, value)) return value
  throw badLine(line, describeMisfit(schema, value))
}
