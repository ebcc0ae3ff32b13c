import { LRUCache } from 'lru-cache'
import type { Log } from '#logging/log.ts'

/** Ids of which the last use is remembered, and may wait to be written. */
const MAX_IDS = 10_000

export interface LastUseOptions {
  /** What is used, as the log calls it. */
  readonly what: string
  /** How exactly it is known. */
  readonly withinMs: number
  /** Writes that these are used now. */
  readonly write: (ids: number[]) => Promise<unknown>
  readonly log: Log
}

/**
 * When something was last used, written once in a while for each. No request waits for it: one statement at a time writes all uses
 * that have come meanwhile.
 */
export class LastUse {
  readonly #options: LastUseOptions
  readonly #recent: LRUCache<number, true>
  #waiting = new Set<number>()
  #writing: Promise<void> | null = null

  constructor(options: LastUseOptions) {
    this.#options = options
    this.#recent = new LRUCache({ max: MAX_IDS, ttl: options.withinMs })
  }

  /** Notes that it is used; where the database has said when it was before, with that. */
  note(id: number, lastUsedAt: Date | null = null): void {
    const isRecent = lastUsedAt !== null && Date.now() - lastUsedAt.getTime() < this.#options.withinMs
    if (isRecent || this.#recent.has(id) || this.#waiting.size >= MAX_IDS) return
    this.#recent.set(id, true)
    this.#waiting.add(id)
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null
    })
  }

  /** Resolves once all that was noted has been written. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    const { what, write, log } = this.#options
    while (this.#waiting.size > 0) {
      const ids = [...this.#waiting]
      this.#waiting = new Set()
      await write(ids).catch((err) => log.warn({ err, count: ids.length }, `the last use of ${what} was not written`))
    }
  }
}
