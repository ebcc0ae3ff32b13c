import { stringify } from 'yaml'
import type { Transaction } from '#database/database.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import type { Visibility } from './catalogue.ts'
import type { CourseItem } from './shapes.ts'

/** Writes courses as Markdown files. docs/export.md describes the format; `read-course-file.ts` reads it. */

/** The maximum size of a file that is exported or imported. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024

interface FileChapter {
  readonly id: number
  readonly title: string
  readonly minutes: number
  readonly content: string
}

export interface FileCourse extends Pick<CourseItem, 'slug' | 'title' | 'summary' | 'level' | 'language'> {
  readonly description: string
  /** The slug of its category. */
  readonly category: string | null
  readonly modules: readonly {
    readonly id: number
    readonly title: string
    readonly summary: string
    readonly chapters: readonly FileChapter[]
  }[]
}

/** Reads a whole course. Throws `NotFoundError` if it is not visible, and 409 if it is too large for a file. */
export async function readWholeCourse(tx: Transaction, id: number, visible: Visibility): Promise<FileCourse> {
  const course = await tx.course.findUnique({
    where: { id, ...visible },
    select: { slug: true, title: true, summary: true, description: true, level: true, language: true, category: true }
  })
  if (course === null) throw new NotFoundError('course')
  // PostgreSQL knows the lengths without reading the texts.
  const [{ bytes }] = await tx.$queryRaw<[{ bytes: number }]>`
    select coalesce(sum(octet_length(content)), 0)::float8 as bytes from chapter where course_id = ${id}`
  if (bytes > MAX_FILE_BYTES) {
    throw new ApiError(409, 'FILE_TOO_LARGE', `the texts of the course are larger than ${MAX_FILE_BYTES} bytes`)
  }
  const select = { id: true, title: true, minutes: true, content: true } as const
  const modules = await tx.module.findMany({
    where: { courseId: id },
    select: { id: true, title: true, summary: true, chapters: { select, orderBy: { position: 'asc' } } },
    orderBy: { position: 'asc' }
  })
  return { ...course, category: course.category?.slug ?? null, modules }
}

/** The contents of a file. Texts are unchanged, between markers that occur in none of them. */
export function writeCourseFile(course: FileCourse): string {
  const { title, summary, level, language, category, description, modules } = course
  const word = markerFor(course)
  const facts = { summary, level, language, ...(category !== null && { category }), marker: word }
  const parts = [
    `---\n${stringify(facts, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 })}---`,
    `# ${title}`,
    block(word, 'contents', contents(course)),
    block(word, 'description', description)
  ]
  for (const module of modules) {
    parts.push(`<!-- ${word}:module -->\n${anchor('module', module.id)}\n\n## ${module.title}`)
    if (module.summary !== '') parts.push(block(word, 'summary', module.summary))
    for (const { id, title, minutes, content } of module.chapters) {
      parts.push(`<!-- ${word}:chapter minutes=${minutes} -->\n${anchor('chapter', id)}\n\n### ${title}`)
      parts.push(block(word, 'content', content))
    }
  }
  return `${parts.join('\n\n')}\n`
}

function block(word: string, name: string, text: string): string {
  return `<!-- ${word}:${name} -->\n${text}\n<!-- /${word}:${name} -->`
}

/** An anchor made of the id, so that renaming or moving does not change it. */
function anchor(what: 'module' | 'chapter', id: number): string {
  return `<a id="course-${what}-${id}"></a>`
}

function contents({ modules }: FileCourse): string {
  const link = (what: 'module' | 'chapter', id: number, title: string) =>
    `- [${title.replace(/[\\[\]<>`]/g, '\\$&')}](#course-${what}-${id})`
  const lines = modules.flatMap(({ id, title, chapters }) => [
    link('module', id, title),
    ...chapters.map((chapter) => `  ${link('chapter', chapter.id, chapter.title)}`)
  ])
  return lines.join('\n')
}

/**
 * `course`, or `course2` and so on if a text contains lines that look like such markers, as an export within an export
 * does.
 */
function markerFor({ description, modules }: FileCourse): string {
  const texts = modules.flatMap(({ summary, chapters }) => [summary, ...chapters.map(({ content }) => content)])
  const used = new Set<number>()
  for (const text of [description, ...texts]) {
    for (const [, number] of text.matchAll(/^<!-- \/?course(\d{0,9}):/gm)) used.add(Number(number))
  }
  if (!used.has(0)) return 'course'
  let number = 2
  while (used.has(number)) number++
  return `course${number}`
}
