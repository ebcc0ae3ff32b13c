import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/schema'
import type { Answer } from './http-pipeline.ts'
import type { Seen, Subject } from './ledger.ts'
import { type Course, firstChapterOf, type Named, type Subjects } from './subjects.ts'
import { COURSE_WORD, MODULE_WORD } from './writes.ts'

/** One version that an answer shows. */
export interface Observation {
  readonly subject: Subject
  readonly seen: Seen
}

/** A path of the API, and how to read versions from an answer; `observe` throws for an invalid answer. */
export interface Readable {
  readonly path: string
  observe(answer: Answer): Observation[]
}

const Title = Type.String({ pattern: '^v\\d+$' })
const Name = Type.Object({ id: Type.Integer(), name: Title })
const Names = Type.Object({ category: Name, author: Name })
const Highlight = Type.Object({ field: Type.String(), parts: Type.Array(Type.Object({ text: Type.String() })) })
const Item = Type.Object({
  id: Type.Integer(),
  title: Title,
  highlight: Type.Optional(Highlight),
  ...Names.properties
})
const Modules = Type.Array(Type.Object({ title: Title }))
const courseShape = Compile(Type.Object({ title: Title, ...Names.properties, modules: Modules }))
const listShape = Compile(Type.Object({ items: Type.Array(Item) }))
const modulesShape = Compile(Type.Object({ items: Modules }))
const chapterShape = Compile(Type.Object({ next: Type.Object({ title: Title }) }))
const categoriesShape = Compile(Type.Object({ items: Type.Array(Name) }))

/** The kinds of reads and their shares; within a kind, the first items are read more often than the last. */
const SHARES = [
  ['courses', 0.68],
  ['slugs', 0.05],
  ['chapters', 0.04],
  ['lists', 0.08],
  ['searches', 0.04],
  ['ghosts', 0.04],
  ['drafts', 0.04],
  ['modules', 0.02],
  ['categories', 0.01]
] as const

export class Reads {
  readonly #kinds: Record<(typeof SHARES)[number][0], readonly Readable[]>

  constructor(subjects: Subjects) {
    const { courses, ghosts, drafts } = subjects
    const names = namesOf(subjects)
    const lists: [string, (course: Course) => boolean][] = [
      ['', () => true],
      ['&sort=title', () => true],
      ['&level=beginner', ({ level }) => level === 'beginner'],
      ['&category=category-1&sort=-updatedAt', ({ categoryId }) => categoryId === 1]
    ]
    const searches: typeof lists = [
      [`&search=${COURSE_WORD}`, () => true],
      [`&search=${MODULE_WORD}`, ({ module }) => module !== null],
      [`&search=${COURSE_WORD}&sort=createdAt&level=beginner`, ({ level }) => level === 'beginner']
    ]
    const all = [...courses, ...ghosts, ...drafts]
    const ofLists = ([query, holds]: (typeof lists)[number]) => courseList(query, all.filter(holds), names)
    this.#kinds = {
      courses: courses.map((course) => coursePage(course, names)),
      ghosts: ghosts.map((ghost) => coursePage(ghost, names)),
      drafts: drafts.map((draft) => coursePage(draft, names)),
      slugs: [...courses, ...ghosts, ...drafts].map((course) => coursePage(course, names, `by-slug/${course.slug}`)),
      chapters: courses.map(chapter),
      modules: courses.map(modules),
      categories: [{ path: '/api/v1/categories', observe: (answer) => categories(answer, names) }],
      lists: lists.map(ofLists),
      searches: searches.map(ofLists)
    }
  }

  /** All reads. */
  get all(): Readable[] {
    return Object.values(this.#kinds).flat()
  }

  /** A random read, according to `SHARES`. */
  choose(): Readable {
    let at = Math.random()
    for (const [kind, share] of SHARES) {
      at -= share
      if (at < 0) return skewed(this.#kinds[kind])
    }
    return skewed(this.#kinds.courses)
  }
}

/** A random item; half of the choices fall on the first eighth. */
export function skewed<T>(items: readonly T[]): T {
  const item = items[Math.floor(Math.random() ** 3 * items.length)]
  if (item === undefined) throw new Error('nothing to choose from')
  return item
}

/** Finds the versions of the names that an answer shows. */
interface Names {
  category(shown: Static<typeof Name>): Observation
  all(shown: Static<typeof Names>): Observation[]
}

function namesOf({ categories, spareCategory, authors }: Subjects): Names {
  const finder = (named: readonly Named[]) => {
    const subjects = new Map(named.map(({ id, name }) => [id, name]))
    return ({ id, name }: Static<typeof Name>) => {
      const subject = subjects.get(id)
      if (subject === undefined) throw new Error(`unknown id ${id}`)
      return { subject, seen: versionOf(name) }
    }
  }
  const [category, author] = [finder([...categories, spareCategory]), finder(authors)]
  return { category, all: (shown) => [category(shown.category), author(shown.author)] }
}

function coursePage({ id, title, module }: Course, names: Names, address = `${id}`): Readable {
  return {
    path: `/api/v1/courses/${address}`,
    observe(answer) {
      if (answer.status === 404) return [{ subject: title, seen: 'absent' }]
      const value = parse(courseShape, answer)
      const parts = module === null ? [] : value.modules.map((one) => ({ subject: module, seen: versionOf(one.title) }))
      return [{ subject: title, seen: versionOf(value.title) }, ...names.all(value), ...parts]
    }
  }
}

function courseList(query: string, members: readonly Course[], names: Names): Readable {
  return {
    path: `/api/v1/courses?limit=100${query}`,
    observe(answer) {
      const items = new Map(parse(listShape, answer).items.map((item) => [item.id, item]))
      const titles = members.map(({ id, title }): Observation => {
        const item = items.get(id)
        return { subject: title, seen: item === undefined ? 'absent' : versionOf(item.title) }
      })
      const modules = members.flatMap(({ id, module }) => highlighted(module, items.get(id)))
      return [...titles, ...modules, ...[...items.values()].flatMap(names.all)]
    }
  }
}

/** What a search shows of a module: its title, and the matching word of its summary. */
function highlighted(module: Subject | null, item: Static<typeof Item> | undefined): Observation[] {
  if (module === null || item?.highlight?.field !== 'module') return []
  const [title = ''] = item.highlight.parts.map(({ text }) => text.trim())
  if (!/^v\d+$/.test(title)) throw new Error(`a highlight without a title: ${JSON.stringify(item.highlight)}`)
  return [{ subject: module, seen: versionOf(title) }]
}

function modules({ id, title, module }: Course): Readable {
  return {
    path: `/api/v1/courses/${id}/modules`,
    observe(answer) {
      if (answer.status === 404) return [{ subject: title, seen: 'absent' }]
      const { items } = parse(modulesShape, answer)
      return module === null ? [] : items.map((item) => ({ subject: module, seen: versionOf(item.title) }))
    }
  }
}

/** The first chapter, which shows the title of the second, which is written together with that of the module. */
function chapter(course: Course): Readable {
  const { id, title, module } = course
  return {
    path: `/api/v1/courses/${id}/chapters/${firstChapterOf(course)}`,
    observe(answer) {
      if (answer.status === 404) return [{ subject: title, seen: 'absent' }]
      const { next } = parse(chapterShape, answer)
      return module === null ? [] : [{ subject: module, seen: versionOf(next.title) }]
    }
  }
}

function categories(answer: Answer, names: Names): Observation[] {
  return parse(categoriesShape, answer).items.map(names.category)
}

function parse<T>(shape: { Check(value: unknown): value is T }, { status, body }: Answer): T {
  const value: unknown = status === 200 ? JSON.parse(body) : null
  if (shape.Check(value)) return value
  throw new Error(`answered ${status}: ${body.slice(0, 200)}`)
}

export function versionOf(text: string): number {
  return Number(text.slice(1))
}
