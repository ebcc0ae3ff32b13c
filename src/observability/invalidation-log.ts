import { hostname } from 'node:os'
import { MAX_INVALIDATIONS } from './report-store.ts'
import type { InvalidationNote } from './shapes.ts'

/** Tags kept per commit, which may have touched thousands. */
const MAX_TAGS = 20

/** The last invalidations by this process, for people who wonder why something was reloaded. */
export class InvalidationLog {
  readonly #process = `${hostname()} ${process.pid}`
  #notes: InvalidationNote[] = []
  #unflushed = 0

  /** `by` is the author of the write; null if unknown. */
  note(tags: readonly string[], by: string | null): void {
    if (tags.length === 0) return
    this.#notes.push({
      at: new Date().toISOString(),
      tags: tags.slice(0, MAX_TAGS),
      tagCount: tags.length,
      by,
      process: this.#process
    })
    this.#unflushed = Math.min(this.#unflushed + 1, MAX_INVALIDATIONS)
    // Trim only now and then, so that a note costs nothing.
    if (this.#notes.length >= 2 * MAX_INVALIDATIONS) this.#notes = this.#notes.slice(-MAX_INVALIDATIONS)
  }

  /** Newest first. */
  last(): InvalidationNote[] {
    return this.#notes.slice(-MAX_INVALIDATIONS).reverse()
  }

  /** Passes the notes not yet written to `write`, newest last; if it rejects, they are passed again next time. */
  async flush(write: (notes: readonly InvalidationNote[]) => Promise<void>): Promise<void> {
    const notes = this.#unflushed === 0 ? [] : this.#notes.slice(-this.#unflushed)
    this.#unflushed = 0
    await write(notes).catch((error) => {
      this.#unflushed = Math.min(this.#unflushed + notes.length, MAX_INVALIDATIONS)
      throw error
    })
  }
}
