import type { Cache, DependOn, Trace } from '#cache'
import type { Transaction } from '#database/database.ts'
import { NotFoundError } from '#http/errors.ts'
import { specs, tags } from './cache-specs.ts'
import { type Actor, visibleTo } from './catalogue.ts'
import type { CourseSlug } from './shapes.ts'

type Models = Pick<Transaction, 'course' | 'courseSlug'>

const select = { id: true, slug: true, status: true, authorId: true } as const

/**
 * Finds the course of a slug: the one that has it, or else the last one that had it. The public result is cached and
 * ignores drafts, so a draft cannot take over an old slug of a published course.
 */
export class CourseSlugs {
  readonly #cache: Cache
  readonly #client: Models

  constructor(cache: Cache, client: Models) {
    this.#cache = cache
    this.#client = client
  }

  /**
   * The course with its current slug; null if there is none that the actor (or the public, if that is null) may see.
   */
  async find(slug: string, actor: Actor | null, trace: Trace): Promise<CourseSlug | null> {
    try {
      return await this.#cache.wrap(specs.courseSlug(slug), (dependOn) => this.#published(slug, dependOn), trace)
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
      return actor && this.#own(slug, actor)
    }
  }

  /** Depends on the tags of all courses that matter, including drafts, before it reads them. */
  async #published(slug: string, dependOn: DependOn): Promise<CourseSlug> {
    let known = await this.#courses(slug)
    for (;;) {
      await dependOn(known.map(({ id }) => tags.course(id)))
      const courses = await this.#courses(slug)
      if (courses.map(({ id }) => id).join() === known.map(({ id }) => id).join()) {
        const found = courses.find(({ status }) => status === 'published')
        if (found === undefined) throw new NotFoundError('course')
        return { id: found.id, slug: found.slug }
      }
      known = courses
    }
  }

  async #own(slug: string, actor: Actor): Promise<CourseSlug | null> {
    const visible = visibleTo(actor)
    const found =
      (await this.#client.course.findFirst({ where: { slug, ...visible }, select })) ??
      (await this.#client.courseSlug.findFirst({ where: { slug, course: visible }, select: { course: { select } } }))
        ?.course
    return found ? { id: found.id, slug: found.slug } : null
  }

  async #courses(slug: string) {
    const current = await this.#client.course.findUnique({ where: { slug }, select })
    const former = await this.#client.courseSlug.findUnique({ where: { slug }, select: { course: { select } } })
    return [current, former?.course].filter((course) => course != null)
  }
}
