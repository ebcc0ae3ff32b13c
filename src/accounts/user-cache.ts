import type { Cache } from '../cache/cache.ts'
import type { Trace } from '../cache/trace.ts'
import { specs, tags } from '../cached-data.ts'

/** What belongs to one user: read strictly, so that no instance shows it old, not even for the lease. */
export class UserCache {
  readonly #cache: Cache

  constructor(cache: Cache) {
    this.#cache = cache
  }

  profile<T>(userId: number, load: () => Promise<T>, trace?: Trace): Promise<T> {
    return this.#cache.wrap(specs.profile(userId), load, trace)
  }

  progress<T>(userId: number, courseId: number, load: () => Promise<T>, trace?: Trace): Promise<T> {
    return this.#cache.wrap(specs.progress(userId, courseId), load, trace)
  }

  /** Forgets the profile and all progress of a user. */
  clear(userId: number): Promise<void> {
    return this.#cache.invalidate([tags.user(userId), tags.progress(userId)])
  }
}
