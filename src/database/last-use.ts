import { LRUCache } from 'lru-cache'
import type { Log } from '#logging/log.ts'

/** The maximum number of ids that are remembered as recently used, and that may wait to be written. */
const MAX_IDS = 10_000

export interface LastUseOptions {
  /** The name for log messages, such as "sessions". */
  readonly what: string
  /** The precision, in ms: an id is written at most once in this time. */
  readonly withinMs: number
  /** Stores the current time as the last use of these ids. */
  readonly write: (ids: number[]) => Promise<unknown>
  readonly log: Log
}

/**
 * Records when things were last used, at most once per `withinMs` for each. No request waits for this: one statement at
 * a time writes all uses that have accumulated.
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

  /** Records a use now. `lastUsedAt` is the stored last use, if the caller has just read it. */
  note(id: number, lastUsedAt: Date | null = null): void {
    const isRecent = lastUsedAt !== null && Date.now() - lastUsedAt.getTime() < this.#options.withinMs
    if (isRecent || this.#recent.has(id) || this.#waiting.size >= MAX_IDS) return
    this.#recent.set(id, true)
    this.#waiting.add(id)
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null
    })
  }

  /** Resolves once everything recorded so far has been written. */
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
