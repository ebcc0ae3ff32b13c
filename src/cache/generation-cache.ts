import type { Cache } from './cache.ts'
import { specs } from './keys.ts'

/**
 * The status and the finished chapters of running generations, written in place for whoever polls. The database row
 * answers when they are lost.
 */
export class GenerationCache<Status, Chapters> {
  readonly #cache: Cache

  constructor(cache: Cache) {
    this.#cache = cache
  }

  getStatus(id: string): Promise<Status | null> {
    return this.#cache.get(specs.generation(id))
  }

  setStatus(id: string, status: Status): Promise<void> {
    return this.#cache.set(specs.generation(id), status)
  }

  getChapters(id: string): Promise<Chapters | null> {
    return this.#cache.get(specs.generationChapters(id))
  }

  setChapters(id: string, chapters: Chapters): Promise<void> {
    return this.#cache.set(specs.generationChapters(id), chapters)
  }

  async clear(id: string): Promise<void> {
    await this.#cache.delete([specs.generation(id).key, specs.generationChapters(id).key])
  }
}
