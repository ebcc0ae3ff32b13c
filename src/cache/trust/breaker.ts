import type { Log } from '#logging/log.ts'
import type { CacheMeter } from '../meter.ts'

/** How many commands in a row may fail before nobody asks any more. */
const FAILURE_LIMIT = 3
const PROBE_INTERVAL_MS = 200
const TELL_AFTER_PROBES = 10
const MAX_REASON_LENGTH = 300

/** Whether the store is asked, since when, and why not. */
export interface Trust {
  readonly trusted: boolean
  readonly since: Date
  readonly reason: string | null
}

export interface BreakerOptions {
  /**
   * Rejects while the store is not to be trusted. It does more than ask whether the store answers: it applies again
   * every invalidation that the store may have missed.
   */
  readonly probe: () => Promise<void>
  /** False while there is a reason not to ask a store that is trusted. */
  readonly ready: () => boolean
  /** Called the moment the store is not trusted any more. */
  readonly opened: () => void
  readonly meter: CacheMeter
  readonly log: Log
}

/**
 * A circuit breaker (M. Nygard, "Release It!") that stands for trust. Closed: the store is asked. Open: it is not, and
 * a probe goes out every 200 ms; one that succeeds closes it. It begins open.
 */
export class Breaker {
  readonly #options: BreakerOptions
  #closed = false
  #failures = 0
  #suspicion = 0
  /** Of those before the first that succeeded. */
  #probes = 0
  #stopped = false
  #probing: Promise<void> | null = null
  /** Since when it is closed, or open. */
  #changedAt = new Date()
  #reason: string | null = null
  /** Since when it is closed and not ready, as far as somebody has looked. */
  #unreadyAt: Date | null = null

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  get closed(): boolean {
    return this.#closed && this.#options.ready()
  }

  /** For people. */
  get trust(): Trust {
    const trusted = this.closed
    if (this.#closed === trusted) {
      this.#unreadyAt = null
      return { trusted, since: this.#changedAt, reason: this.#reason }
    }
    this.#unreadyAt ??= new Date()
    const reason = 'it was not compared with the database for some seconds: this process was stopped, or is too busy'
    return { trusted, since: this.#unreadyAt, reason }
  }

  /** Raised whenever the store is doubted: what was asked before and answered after may be old. */
  get doubts(): number {
    return this.#suspicion
  }

  /** Runs a command of the store, counts its failure and times its answer. */
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
   * Stops trusting the store at once: it was disconnected, or an invalidation did not reach it. A probe that
   * is under way does not count any more, since it may have looked before this happened.
   */
  open(reason: unknown): void {
    if (this.#stopped) return
    this.#suspicion++
    // Of an outage the first: what follows is that it goes on.
    this.#reason ??= textOf(reason)
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
      // Opened again in the moment between the end of the loop and this: nobody else would probe.
      if (!this.#closed && !this.#stopped) void this.probe()
    })
    return this.#probing
  }

  stop(): void {
    this.#stopped = true
  }

  /** A store that cannot be used from the start is told once: that it is not trusted any more, nobody will say. */
  #neverTrusted(err: unknown): false {
    this.#reason ??= textOf(err)
    if (++this.#probes === TELL_AFTER_PROBES) {
      this.#options.log.error({ err }, 'cache store not trusted yet: reads go to the database; check REDIS_URL')
    }
    return false
  }

  async #probeUntilTrusted(): Promise<void> {
    while (!this.#closed && !this.#stopped) {
      const suspicion = this.#suspicion
      const trusted = await this.#options.probe().then(
        () => suspicion === this.#suspicion,
        (err) => this.#neverTrusted(err)
      )
      if (trusted) {
        this.#failures = 0
        this.#probes = TELL_AFTER_PROBES
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

/** What went wrong, in a line. */
function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error)
  return text.replace(/\s+/g, ' ').slice(0, MAX_REASON_LENGTH)
}
