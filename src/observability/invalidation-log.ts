import { hostname } from 'node:os'
import { MAX_INVALIDATIONS } from './board.ts'
import type { InvalidationNote } from './shapes.ts'

/** Of one commit, which may have touched thousands. */
const MAX_TAGS = 20

/** The last invalidations by this process, for people who ask why something was loaded anew. */
export class InvalidationLog {
  readonly #process = `${hostname()} ${process.pid}`
  #notes: InvalidationNote[] = []
  #untold = 0

  /** `by` is whose write it was; null where that is not known. */
  note(tags: readonly string[], by: string | null): void {
    if (tags.length === 0) return
    this.#notes.push({
      at: new Date().toISOString(),
      tags: tags.slice(0, MAX_TAGS),
      tagCount: tags.length,
      by,
      process: this.#process
    })
    this.#untold = Math.min(this.#untold + 1, MAX_INVALIDATIONS)
    // Seldom, so that a note costs nothing.
    if (this.#notes.length >= 2 * MAX_INVALIDATIONS) this.#notes = this.#notes.slice(-MAX_INVALIDATIONS)
  }

  /** The newest first. */
  last(): InvalidationNote[] {
    return this.#notes.slice(-MAX_INVALIDATIONS).reverse()
  }

  /** Hands those that were not told yet to `tell`, the newest last; they are told again where it rejects. */
  async tell(tell: (notes: readonly InvalidationNote[]) => Promise<void>): Promise<void> {
    const notes = this.#untold === 0 ? [] : this.#notes.slice(-this.#untold)
    this.#untold = 0
    await tell(notes).catch((error) => {
      this.#untold = Math.min(this.#untold + notes.length, MAX_INVALIDATIONS)
      throw error
    })
  }
}
