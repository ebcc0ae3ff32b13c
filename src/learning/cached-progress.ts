import type { Cache, Trace } from '#cache'
import type { Actor } from '#courses/catalogue.ts'
import { specs } from './cache-specs.ts'
import type { Learning } from './learning.ts'
import type { Progress } from './shapes.ts'

/** Progress through the cache, read strictly. A write is followed by a read here, which fills the cache again (write-through). */
export class CachedProgress {
  readonly #cache: Cache
  readonly #learning: Learning

  constructor(cache: Cache, learning: Learning) {
    this.#cache = cache
    this.#learning = learning
  }

  /** Throws `NotFoundError` when not enrolled, or in a course that the student may not see (any more). */
  read(actor: Actor, courseId: number, trace?: Trace): Promise<Progress> {
    return this.#cache.wrap(specs.progress(actor.id, courseId), () => this.#learning.progress(actor, courseId), trace)
  }
}
