/** A course of the demo catalogue, parsed from its Markdown file (`courses/*.md`). */
export interface CourseFile {
  readonly slug: string
  readonly title: string
  readonly summary: string
  readonly description: string
  readonly level: string
  readonly language: string
  readonly category: string
  readonly author: string
  readonly modules: readonly ModuleFile[]
}

interface ModuleFile {
  readonly title: string
  readonly summary: string
  readonly chapters: readonly { readonly title: string; readonly minutes: number; readonly content: string }[]
}

interface Section {
  readonly title: string
  readonly body: string
}

/**
 * Parses a course: front matter, description, then modules (`#`, summary after `>`) with chapters (`##`, `minutes:`
 * first).
 */
export function parseCourse(slug: string, text: string): CourseFile {
  const [, front = '', body = ''] = /^---\n(.*?)\n---\n(.*)$/s.exec(text) ?? []
  const fields = new Map(
    front.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    })
  )
  const field = (name: string) => {
    const value = fields.get(name)
    if (!value) throw new Error(`${slug}.md has no "${name}" in its front matter`)
    return value
  }
  const { intro, sections } = split(body, '# ')
  return {
    slug,
    title: field('title'),
    summary: field('summary'),
    description: intro,
    level: field('level'),
    language: field('language'),
    category: field('category'),
    author: field('author'),
    modules: sections.map(parseModule)
  }
}

function parseModule({ title, body }: Section): ModuleFile {
  const { intro, sections } = split(body, '## ')
  return {
    title,
    summary: intro.replace(/^>\s*/gm, ''),
    chapters: sections.map((chapter) => {
      const [, minutes, content] = /^minutes:\s*(\d+)\s*\n(.*)$/s.exec(chapter.body) ?? []
      if (minutes === undefined || content === undefined) throw new Error(`chapter "${chapter.title}" has no minutes`)
      return { title: chapter.title, minutes: Number(minutes), content: content.trim() }
    })
  }
}

/** Splits at lines that begin with `marker`, except in fenced code, where `#` begins a comment. */
function split(text: string, marker: string): { intro: string; sections: Section[] } {
  const parts: { title: string; lines: string[] }[] = [{ title: '', lines: [] }]
  let fenced = false
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced
    if (!fenced && line.startsWith(marker)) parts.push({ title: line.slice(marker.length).trim(), lines: [] })
    else parts.at(-1)?.lines.push(line)
  }
  const [intro, ...sections] = parts.map(({ title, lines }) => ({ title, body: lines.join('\n').trim() }))
  return { intro: intro?.body ?? '', sections }
}
