import type { Database, Transaction } from '#database/database.ts'
import type { Log } from '#logging/log.ts'
import type { GenerationQueue } from './queue.ts'

const SWEEP_INTERVAL_MS = 60_000
/** Rows per sweep; the rest waits for the next one. */
const MOST_AT_ONCE = 100

export interface LostEntriesOptions {
  readonly database: Database
  readonly queue: GenerationQueue
  readonly log: Log
}

/**
 * At the start of a worker and once a minute, re-enqueues unfinished generations that have no entry in the queue:
 * whatever lost the entry, no generation waits for ever.
 */
export class LostEntries {
  readonly #options: LostEntriesOptions
  #timer: NodeJS.Timeout | undefined
  #sweeping: Promise<void> | undefined

  constructor(options: LostEntriesOptions) {
    this.#options = options
  }

  start(): void {
    this.#sweep()
    this.#timer = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sweeping
  }

  #sweep(): void {
    const { database, log } = this.#options
    this.#sweeping ??= database
      .write((tx) => this.#enqueueLost(tx))
      .then((lost) => {
        if (lost > 0) log.warn({ lost }, 're-enqueued generations that were missing from the queue')
      })
      .catch((err) => log.debug({ err }, 'cannot look for lost generations now'))
      .finally(() => {
        this.#sweeping = undefined
      })
  }

  /**
   * Increments `attempt`, which fences off a run that is still alive after all; of two concurrent sweeps only one finds
   * the row.
   */
  async #enqueueLost(tx: Transaction): Promise<number> {
    const { queue } = this.#options
    const lost = await tx.$queryRaw<{ id: string; attempt: number }[]>`
      update generation_job set attempt = attempt + 1, updated_at = now()
      where updated_at < now() - interval '1 minute' and id in (
        select id from generation_job
        where status in ('queued', 'running') and updated_at < now() - interval '1 minute'
          and id::text not in (${queue.reachable})
        order by created_at limit ${MOST_AT_ONCE})
      returning id, attempt`
    for (const { id, attempt } of lost) await queue.enqueue(tx, id, 0, attempt)
    return lost.length
  }
}
