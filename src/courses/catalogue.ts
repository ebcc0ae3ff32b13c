import type { DependOn } from '#cache'
import type { Transaction } from '#database/database.ts'
import type { Prisma } from '#database/generated/client.ts'
import { NotFoundError } from '#http/errors.ts'
import { tags } from './cache-specs.ts'
import { foldCase } from './search/words.ts'
import type { Category, Chapter, ChapterLink, Course, CourseItem, CourseQuery, Module } from './shapes.ts'

/** The fields of a course in lists. */
export const itemSelect = {
  id: true,
  slug: true,
  title: true,
  summary: true,
  level: true,
  language: true,
  status: true,
  createdAt: true,
  updatedAt: true,
  category: { select: { id: true, slug: true, name: true } },
  author: { select: { id: true, name: true } },
  _count: { select: { modules: true, chapters: true } }
} satisfies Prisma.CourseSelect

const moduleSelect = {
  id: true,
  title: true,
  summary: true,
  position: true,
  chapters: { select: { id: true, title: true, position: true, minutes: true }, orderBy: { position: 'asc' } }
} satisfies Prisma.ModuleSelect

/** A condition for the courses that may be seen. */
export type Visibility = Pick<Prisma.CourseWhereInput, 'status' | 'OR'>

/** What the public may see. */
export const published: Visibility = { status: 'published' }

/** The user who makes a request. */
export interface Actor {
  readonly id: number
  readonly role: 'student' | 'author' | 'admin'
  readonly emailVerified?: boolean
}

/** What a user may see: published courses and their own drafts; admins see everything. */
export function visibleTo({ id, role }: Actor): Visibility {
  return role === 'admin' ? {} : { OR: [published, { authorId: id }] }
}

type Models = Pick<Transaction, 'category' | 'course' | 'chapter'>

/** Reads of courses, always from the database. Courses that `visible` excludes are not found. */
export class Catalogue {
  readonly #client: Models

  /** `client` is the Prisma client, or a transaction. */
  constructor(client: Models) {
    this.#client = client
  }

  async categories(): Promise<{ items: Category[] }> {
    return { items: await this.#client.category.findMany({ orderBy: { name: 'asc' } }) }
  }

  async category(slug: string): Promise<Category> {
    return present(await this.#client.category.findUnique({ where: { slug } }), 'category')
  }

  async course(id: number, visible = published): Promise<Course> {
    const select = {
      ...itemSelect,
      description: true,
      modules: { select: moduleSelect, orderBy: { position: 'asc' } }
    } as const
    const row = present(await this.#client.course.findUnique({ where: { id, ...visible }, select }), 'course')
    if (!hasAuthor(row)) throw new NotFoundError('course')
    return { ...toItem(row), description: row.description, modules: row.modules }
  }

  /**
   * A published course, for the cache. Depends on the tags of the author's and the category's names, which it shows,
   * before it is read. If these have changed by then, because the course was moved, it is read again with the new tags.
   */
  async coursePage(id: number, dependOn: DependOn): Promise<Course> {
    const select = { authorId: true, categoryId: true } as const
    const row = present(await this.#client.course.findUnique({ where: { id, ...published }, select }), 'course')
    let names = nameTags(row.authorId, row.categoryId)
    for (;;) {
      await dependOn(names)
      const course = await this.course(id)
      const shown = nameTags(course.author.id, course.category?.id ?? null)
      if (shown.join() === names.join()) return course
      names = shown
    }
  }

  async modules(courseId: number, visible = published): Promise<{ items: Module[] }> {
    const select = { modules: { select: moduleSelect, orderBy: { position: 'asc' } } } as const
    const row = present(await this.#client.course.findUnique({ where: { id: courseId, ...visible }, select }), 'course')
    return { items: row.modules }
  }

  /**
   * A chapter, with links to the previous and the next one, which may be in other modules. All of it depends on the
   * course's tag.
   */
  async chapter(courseId: number, id: number, visible = published): Promise<Chapter> {
    const found = await this.#client.chapter.findUnique({
      where: { id, courseId, course: visible },
      include: { module: { select: { position: true } } }
    })
    const { module, ...row } = present(found, 'chapter')
    // The module, and so the chapter, was deleted after the first of Prisma's two statements (see `hasAuthor`).
    if (module === null) throw new NotFoundError('chapter')
    return {
      ...row,
      previous: await this.#neighbour(row, module.position, 'lt', 'desc'),
      next: await this.#neighbour(row, module.position, 'gt', 'asc')
    }
  }

  #neighbour(
    { courseId, moduleId, position }: { courseId: number; moduleId: number; position: number },
    modulePosition: number,
    where: 'lt' | 'gt',
    order: 'asc' | 'desc'
  ): Promise<ChapterLink | null> {
    return this.#client.chapter.findFirst({
      where: {
        courseId,
        OR: [{ moduleId, position: { [where]: position } }, { module: { position: { [where]: modulePosition } } }]
      },
      orderBy: [{ module: { position: order } }, { position: order }],
      select: { id: true, title: true }
    })
  }

  /** Throws `NotFoundError` if the course does not exist, or is not visible. */
  async requireVisible(id: number, visible: Visibility): Promise<void> {
    present(await this.#client.course.findUnique({ where: { id, ...visible }, select: { id: true } }), 'course')
  }
}

/** Normalizes a query, so that equivalent ones share a cache entry. */
export function normalizeCourseQuery(query: CourseQuery): CourseQuery {
  const search = foldCase(query.search?.normalize('NFC').trim().replace(/\s+/gu, ' ') ?? '') || undefined
  const byDefault = search === undefined ? '-createdAt' : 'relevance'
  const sort = search === undefined && query.sort === 'relevance' ? byDefault : (query.sort ?? byDefault)
  return { ...query, language: query.language?.toLowerCase(), search, sort }
}

/**
 * False for a course that is being deleted together with its author: Prisma reads relations in separate statements, so
 * the author may be missing in spite of the type.
 */
export function hasAuthor({ author }: { author: object | null }): boolean {
  return author !== null
}

/** The tags of the names of an author and a category. */
function nameTags(authorId: number, categoryId: number | null): string[] {
  return [tags.authorName(authorId), ...(categoryId === null ? [] : [tags.category(categoryId)])]
}

/** A row in the form that lists show. */
export function toItem({ _count, ...row }: Prisma.CourseGetPayload<{ select: typeof itemSelect }>): CourseItem {
  return {
    ...row,
    moduleCount: _count.modules,
    chapterCount: _count.chapters,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString()
  }
}

function present<T>(row: T | null, what: string): T {
  if (row === null) throw new NotFoundError(what)
  return row
}
