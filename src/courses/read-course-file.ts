import { type Static, type TObject, Type } from 'typebox'
import { Check } from 'typebox/schema'
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

/** A course as a file has it. */
export interface ReadCourse extends Static<typeof Facts> {
  /** The slug of its category, and the line that names it. */
  readonly category: { readonly slug: string; readonly line: number } | null
  readonly modules: readonly ReadModule[]
}

/** Nothing else runs meanwhile: a line costs time, however short it is. */
const MAX_LINES = 300_000
/** Of a line that may be a heading, no more is looked at. */
const MAX_HEADING = 500

/**
 * Reads a course from Markdown: an export, or what somebody wrote with headings. Letters are composed, as those in JSON are. Throws 400,
 * with the line, where it cannot.
 */
export function readCourseFile(text: string): ReadCourse {
  const lines = text
    .replace(/^\ufeff/, '')
    .normalize('NFC')
    .split('\n', MAX_LINES + 1)
  if (lines.length > MAX_LINES) throw badLine(MAX_LINES, `a file has ${MAX_LINES} lines at most`)
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
      throw badLine(1, 'language is missing: begin the file with a line ---, one as "language: en", and another ---')
    }
    const facts = { title, summary: this.#facts.summary ?? title, description: this.#description, level, language }
    if (!Check(Facts, facts)) throw badField(new Map([...lines, ...this.#lineOf]), describeMisfit(Facts, facts))
    const named = category === undefined ? null : { slug: category, line: lines.get('category') ?? 1 }
    return { ...facts, category: named, modules: this.#modules }
  }

  /** An export: texts stand between markers, and nothing but headings and anchors outside of them. */
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
          throw badLine(this.#at + 1, 'here the content begins: its marker is missing')
        const content = this.#block(word, 'content')
        this.#chapter({ title, content, ...(minutes !== undefined && { minutes: Number(minutes) }) }, start)
      } else if (line.startsWith('# ') && this.#title === null) this.#setTitle(line.slice(2))
      else if (line.trim() !== '' && !/^<a id="[\w-]*"><\/a>$/.test(line)) {
        throw badLine(this.#at + 1, 'this stands between no markers, and would be lost')
      }
    }
  }

  /** What somebody wrote: `#` is the course, `##` a module, `###` a chapter; what looks like them in a block of code is text. */
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

  /** Without the mark of Windows at its end. */
  #line(ahead = 0): string {
    return (this.#lines[this.#at + ahead] ?? '').replace(/\r$/, '')
  }

  /** The text from the marker here to the one that ends it, as it is. */
  #block(word: string, name: string): string {
    const start = this.#at
    const end = `<!-- /${word}:${name} -->`
    do {
      this.#at++
      // No text has a line that begins like a marker: what follows the lost end of a text must not become a part of it.
      const isOver = this.#at >= this.#lines.length || /^<!-- \/?(\w+):/.exec(this.#line())?.[1] === word
      if (isOver && this.#line() !== end) throw badLine(start + 1, `the end of this is missing: ${end}`)
    } while (this.#line() !== end)
    const text = this.#lines.slice(start + 1, this.#at).join('\n')
    // An editor has changed all ends of lines, this one too.
    return this.#lines[start]?.endsWith('\r') ? text.replace(/\r$/, '') : text
  }

  #heading(mark: '## ' | '### '): string {
    const start = this.#at
    while (++this.#at < this.#lines.length) {
      const line = this.#line()
      if (line.startsWith(mark)) return line.slice(mark.length)
      if (line.trim() !== '' && !line.startsWith('<a ')) break
    }
    throw badLine(start + 1, `after this a line with the title is missing, which begins with "${mark}"`)
  }

  #setTitle(title: string): void {
    this.#title = title
    this.#lineOf.set('title', this.#at + 1)
  }

  #module(title: string): void {
    if (this.#modules.length >= MAX_PARTS) throw badLine(this.#at + 1, `there may be ${MAX_PARTS} modules`)
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
    if (module.chapters.length >= MAX_PARTS) throw badLine(line + 1, `there may be ${MAX_PARTS} chapters in a module`)
    module.chapters.push(checked(ChapterFacts, chapter, line + 1))
  }
}

const NO_HEADING = ['', ''] as const

/** The signs and the title of a heading, whose end may be marked by signs, too: `## Keys ##`, but not `## C#`. */
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
