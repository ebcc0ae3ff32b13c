import type { Cache } from '../cache/cache.ts'
import type { Trace } from '../cache/trace.ts'
import { specs } from '../cached-data.ts'

/** Statistics of the platform: counted at most every five minutes, whatever is written meanwhile. */
export class StatsCache {
  readonly #cache: Cache

  constructor(cache: Cache) {
    this.#cache = cache
  }

  overview<T>(load: () => Promise<T>, trace?: Trace): Promise<T> {
    return this.#cache.wrap(specs.stats(), load, trace)
  }

  async clear(): Promise<void> {
    await this.#cache.delete([specs.stats().key])
  }
}
