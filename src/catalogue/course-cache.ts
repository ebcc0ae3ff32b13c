import type { Cache } from '../cache/cache.ts'
import type { Trace } from '../cache/trace.ts'
import { specs, tags } from '../cached-data.ts'
import type { Catalogue } from './catalogue.ts'
import type { Chapter, Course, Module } from './shapes.ts'

/** Published courses, their modules and chapters, from the cache or the catalogue. Throws `NotFoundError`. */
export class CourseCache {
  readonly #cache: Cache
  readonly #catalogue: Catalogue

  constructor(cache: Cache, catalogue: Catalogue) {
    this.#cache = cache
    this.#catalogue = catalogue
  }

  course(id: number, trace?: Trace): Promise<Course> {
    return this.#cache.wrap(specs.course(id), (dependOn) => this.#catalogue.coursePage(id, dependOn), trace)
  }

  modules(id: number, trace?: Trace): Promise<{ items: Module[] }> {
    return this.#cache.wrap(specs.courseModules(id), () => this.#catalogue.modules(id), trace)
  }

  chapter(courseId: number, id: number, trace?: Trace): Promise<Chapter> {
    return this.#cache.wrap(specs.chapter(courseId, id), () => this.#catalogue.chapter(courseId, id), trace)
  }

  /** The course from the cache alone, or null. */
  peek(id: number): Promise<Course | null> {
    return this.#cache.get(specs.course(id))
  }

  /** Forgets everything of a course: its page, modules and chapters. */
  clear(id: number): Promise<void> {
    return this.#cache.invalidate([tags.course(id)])
  }
}
