import type { Log } from '#logging/log.ts'
import type { Outbox } from './outbox.ts'

const SWEEP_INTERVAL_MS = 300
/** How old a row must be, in ms, before a sweeper applies it instead of its writer. */
const MIN_AGE_MS = 300
const PRUNE_INTERVAL_MS = 30_000

export interface SweeperOptions {
  readonly outbox: Outbox
  /** False while sweeping is pointless, because the store cannot be reached. */
  readonly ready: () => boolean
  /**
   * Invalidates the tags. If it rejects, their rows are kept for the next attempt. `outside` is true if a writer
   * outside the service woke the sweeper.
   */
  readonly apply: (tags: string[], outside: boolean) => Promise<void>
  readonly log: Log
}

/**
 * Applies invalidations that their writers did not: because they crashed between commit and invalidation, had lost
 * Redis, or are outside the service and do not know about the cache. Every instance runs a sweeper; only one of them
 * works on a row.
 */
export class Sweeper {
  readonly #options: SweeperOptions
  #timers: NodeJS.Timeout[] = []
  #sweeping: Promise<void> | null = null
  #again = false
  #outside = false
  #failing = false
  #swept = 0

  constructor(options: SweeperOptions) {
    this.#options = options
  }

  /** How many invalidations of other writers it has applied, and whether its last attempt failed. */
  get state(): { swept: number; failing: boolean } {
    return { swept: this.#swept, failing: this.#failing }
  }

  start(): void {
    this.#timers = [
      setInterval(() => this.#run(MIN_AGE_MS), SWEEP_INTERVAL_MS),
      setInterval(() => this.#prune(), PRUNE_INTERVAL_MS)
    ]
  }

  /**
   * Sweeps now, whatever the age of the rows, because a notification announced some, perhaps from a writer outside the
   * service.
   */
  wake(outside = false): void {
    this.#again = this.#sweeping !== null
    // The rows found after an outage may come from any writer.
    this.#outside ||= outside && this.#options.ready()
    this.#run(0)
  }

  /** Resolves when the sweep in progress has ended. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#again = false
    await this.#sweeping
  }

  #run(ageMs: number): void {
    if (this.#sweeping !== null || !this.#options.ready()) return
    this.#sweeping = this.#sweep(ageMs).finally(() => {
      this.#sweeping = null
      if (this.#again) this.wake()
    })
  }

  async #sweep(ageMs: number): Promise<void> {
    const { outbox, apply, log } = this.#options
    const outside = this.#outside
    this.#outside = false
    try {
      let rows = 0
      for (let some = -1; some !== 0; rows += some) some = await outbox.sweep(ageMs, (tags) => apply(tags, outside))
      this.#swept += rows
      if (rows > 0)
        log.info(
          { rows },
          'applied invalidations of other writers: psql, a crashed process, or one that has lost Redis'
        )
      this.#failing = false
    } catch (err) {
      // Log once per outage, not on every attempt.
      if (!this.#failing) log.warn({ err }, 'sweeper could not apply invalidations: retrying')
      this.#failing = true
    }
  }

  #prune(): void {
    // Keep the rows during an outage: the replay after it needs them.
    if (!this.#options.ready()) return
    this.#options.outbox.prune().catch((err) => this.#options.log.debug({ err }, 'outbox not pruned: retrying later'))
  }
}
