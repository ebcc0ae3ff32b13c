import type { Log } from '#logging/log.ts'
import type { Outbox } from './outbox.ts'

const SWEEP_INTERVAL_MS = 300
/** How old a row is before somebody other than its writer applies it, in ms. */
const PATIENCE_MS = 300
const PRUNE_INTERVAL_MS = 30_000

export interface SweeperOptions {
  readonly outbox: Outbox
  /** False while there is no use in sweeping: the store could not be told. */
  readonly ready: () => boolean
  /**
   * Rejects when the tags could not be invalidated: their rows are kept for the next time. `outside`: a writer that is not of the service
   * has woken the sweeper.
   */
  readonly apply: (tags: string[], outside: boolean) => Promise<void>
  readonly log: Log
}

/**
 * Applies what writers left behind: after a crash between commit and invalidation, while cut off from Redis, or because
 * they know nothing of a cache. Every instance runs one; together they work on a row once.
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

  /** How many invalidations of other writers it has applied, and whether it cannot at the moment. */
  get state(): { swept: number; failing: boolean } {
    return { swept: this.#swept, failing: this.#failing }
  }

  start(): void {
    this.#timers = [
      setInterval(() => this.#run(PATIENCE_MS), SWEEP_INTERVAL_MS),
      setInterval(() => this.#prune(), PRUNE_INTERVAL_MS)
    ]
  }

  /** Sweeps now, whatever the age of the rows: somebody said that there are some, maybe a writer that is not of the service. */
  wake(outside = false): void {
    this.#again = this.#sweeping !== null
    // What is found after an outage is anybody's.
    this.#outside ||= outside && this.#options.ready()
    this.#run(0)
  }

  /** Resolves when nothing is under way any more. */
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
          'invalidations of other writers applied: psql, a crashed process, or one that has lost Redis'
        )
      this.#failing = false
    } catch (err) {
      // One line an outage, not one an attempt.
      if (!this.#failing) log.warn({ err }, 'sweeper could not apply invalidations: it tries again until it can')
      this.#failing = true
    }
  }

  #prune(): void {
    // What is needed for the replay after an outage stays while the outage lasts.
    if (!this.#options.ready()) return
    this.#options.outbox
      .prune()
      .catch((err) => this.#options.log.debug({ err }, 'outbox not pruned: tried again later'))
  }
}
