import type { Cache } from '#cache'
import { specs, tags } from './cache-specs.ts'

/**
 * Caches the status and the finished chapters of generations, for polling clients and other processes. Reads are strict
 * (no lease); where Redis has lost an entry, `load` provides it.
 */
export class GenerationCache {
  readonly #cache: Cache

  constructor(cache: Cache) {
    this.#cache = cache
  }

  status<T>(id: string, load: () => Promise<T>): Promise<T> {
    return this.#cache.wrap(specs.generation(id), load)
  }

  chapters<T>(id: string, load: () => Promise<T>): Promise<T> {
    return this.#cache.wrap(specs.generationChapters(id), load)
  }

  clear(id: string): Promise<void> {
    return this.#cache.invalidate([tags.generation(id)])
  }
}
