import type { Log } from '#logging/log.ts'
import type { CacheMeter } from '../meter.ts'

/** How many commands in a row may fail before the breaker opens. */
const FAILURE_LIMIT = 3
const PROBE_INTERVAL_MS = 200
const LOG_AFTER_PROBES = 10
const MAX_REASON_LENGTH = 300

/** Whether the store is trusted, since when, and why not. */
export interface Trust {
  readonly trusted: boolean
  readonly since: Date
  readonly reason: string | null
}

export interface BreakerOptions {
  /**
   * Rejects while the store must not be trusted. It does more than check that the store answers: it also replays every
   * invalidation that the store may have missed.
   */
  readonly probe: () => Promise<void>
  /** False while even a trusted store must not be asked. */
  readonly ready: () => boolean
  /** Called at the moment when the store loses trust. */
  readonly opened: () => void
  readonly meter: CacheMeter
  readonly log: Log
}

/**
 * A circuit breaker (M. Nygard, "Release It!") that represents trust in the store. Closed: the store is used. Open: it
 * is not, and a probe runs every 200 ms until one succeeds, which closes the breaker. It starts open.
 */
export class Breaker {
  readonly #options: BreakerOptions
  #closed = false
  #failures = 0
  #doubts = 0
  /** How many probes failed before the first success. */
  #failedProbes = 0
  #stopped = false
  #probing: Promise<void> | null = null
  /** When it last closed or opened. */
  #changedAt = new Date()
  #reason: string | null = null
  /** When it was first seen to be closed but not ready. */
  #unreadyAt: Date | null = null

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  get closed(): boolean {
    return this.#closed && this.#options.ready()
  }

  /** For operators. */
  get trust(): Trust {
    const trusted = this.closed
    if (this.#closed === trusted) {
      this.#unreadyAt = null
      return { trusted, since: this.#changedAt, reason: this.#reason }
    }
    this.#unreadyAt ??= new Date()
    const reason = 'not compared with the database for some seconds: this process was suspended, or is too busy'
    return { trusted, since: this.#unreadyAt, reason }
  }

  /** How often the store has lost trust. An answer may be stale if this changed after the question was sent. */
  get doubts(): number {
    return this.#doubts
  }

  /** Runs a command of the store, measures its time and counts failures. */
  async run<T>(command: () => Promise<T>): Promise<T> {
    const { meter } = this.#options
    const start = performance.now()
    try {
      const answer = await command()
      this.#failures = 0
      meter.storeAnswered(performance.now() - start)
      return answer
    } catch (error) {
      meter.storeErrors++
      if (++this.#failures >= FAILURE_LIMIT) this.open(error)
      throw error
    }
  }

  /**
   * Stops trusting the store at once: it was disconnected, or an invalidation did not reach it. A probe in progress no
   * longer counts, since it may have looked before this happened.
   */
  open(reason: unknown): void {
    if (this.#stopped) return
    this.#doubts++
    // Keep the first reason of an outage: later ones follow from it.
    this.#reason ??= messageOf(reason)
    if (this.#closed) {
      this.#closed = false
      this.#changedAt = new Date()
      this.#options.meter.interruptions++
      this.#options.opened()
      this.#options.log.error(
        { err: reason },
        'cache store not trusted: reads go to the database until it answers again'
      )
    }
    void this.probe()
  }

  /** Probes until the store can be trusted; resolves then, or when `stop` is called. */
  probe(): Promise<void> {
    this.#probing ??= this.#probeUntilTrusted().finally(() => {
      this.#probing = null
      // It was opened again after the loop had ended: nothing else would probe.
      if (!this.#closed && !this.#stopped) void this.probe()
    })
    return this.#probing
  }

  stop(): void {
    this.#stopped = true
  }

  /** Logs once that the store has not been usable since the start, as `open` only logs the loss of trust. */
  #probeFailed(err: unknown): false {
    this.#reason ??= messageOf(err)
    if (++this.#failedProbes === LOG_AFTER_PROBES) {
      this.#options.log.error({ err }, 'cache store not trusted yet: reads go to the database; check REDIS_URL')
    }
    return false
  }

  async #probeUntilTrusted(): Promise<void> {
    while (!this.#closed && !this.#stopped) {
      const doubts = this.#doubts
      const trusted = await this.#options.probe().then(
        () => doubts === this.#doubts,
        (err) => this.#probeFailed(err)
      )
      if (trusted) {
        this.#failures = 0
        this.#failedProbes = LOG_AFTER_PROBES
        this.#closed = true
        this.#changedAt = new Date()
        this.#reason = null
        this.#options.log.info({}, 'cache store trusted')
      } else {
        await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MS).unref())
      }
    }
  }
}

/** The error message, on one line. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error)
  return text.replace(/\s+/g, ' ').slice(0, MAX_REASON_LENGTH)
}
