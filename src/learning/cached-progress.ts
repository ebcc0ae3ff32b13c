import type { Cache, Trace } from '#cache'
import { type Actor, type Catalogue, visibleTo } from '#courses/catalogue.ts'
import { NotFoundError } from '#http/errors.ts'
import { specs } from './cache-specs.ts'
import type { Learning } from './learning.ts'
import type { OwnEnrollment, Progress } from './shapes.ts'

/**
 * Progress through the cache, with strict reads. Callers read here after a write, which refills the cache
 * (write-through).
 */
export class CachedProgress {
  readonly #cache: Cache
  readonly #learning: Learning
  readonly #catalogue: Catalogue

  constructor(cache: Cache, learning: Learning, catalogue: Catalogue) {
    this.#cache = cache
    this.#learning = learning
    this.#catalogue = catalogue
  }

  /** Throws `NotFoundError` if the student is not enrolled, or may not see the course (any more). */
  read(actor: Actor, courseId: number, trace?: Trace): Promise<Progress> {
    return this.#cache.wrap(specs.progress(actor.id, courseId), () => this.#learning.progress(actor, courseId), trace)
  }

  /**
   * Whether the student is enrolled, and their progress. Throws `NotFoundError` for a course that the student may not
   * see.
   */
  async enrollment(actor: Actor, courseId: number, trace?: Trace): Promise<OwnEnrollment> {
    try {
      return { courseId, enrolled: true, progress: await this.read(actor, courseId, trace) }
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
      await this.#catalogue.requireVisible(courseId, visibleTo(actor))
      return { courseId, enrolled: false, progress: null }
    }
  }
}
