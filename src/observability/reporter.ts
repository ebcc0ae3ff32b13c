import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CacheMeter, PrefixCounts, Store } from '#cache'
import { DATA_PREFIXES } from '#cache'
import type { Log } from '#logging/log.ts'
import type { Board, Deltas } from './board.ts'
import type { Counts, KeyCounts, ProcessBeat } from './shapes.ts'

const BEAT_INTERVAL_MS = 5000
const COUNT_INTERVAL_MS = 15_000
/** Of its time Redis gives so much to counting, at most: with many keys they are counted more seldom. */
const COUNT_SHARE = 0.01
/** A pause between two steps of counting, so that Redis does other things meanwhile. */
const COUNT_PAUSE_MS = 2

export interface ReporterOptions {
  readonly board: Board
  readonly meter: CacheMeter
  readonly store: Store
  readonly role: ProcessBeat['role']
  /** What else a beat says: looked at each time. */
  readonly state: () => Pick<ProcessBeat, 'l1' | 'trusted' | 'sweeper'>
  readonly log: Log
}

/** Puts up on the board, every five seconds, what this process does; and counts the keys when it is its turn. */
export class Reporter {
  readonly #options: ReporterOptions
  readonly #id = randomUUID()
  readonly #startedAt = new Date().toISOString()
  #told: Record<string, number> = {}
  #timers: NodeJS.Timeout[] = []
  #counting: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  start(): void {
    this.#timers = [
      setInterval(() => void this.beat(), BEAT_INTERVAL_MS).unref(),
      setInterval(() => void this.countKeys(), COUNT_INTERVAL_MS).unref()
    ]
    void this.beat()
    void this.countKeys()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers) clearInterval(timer)
    await this.#counting
    await this.#options.board.leave(this.#id).catch(() => {})
  }

  /** What was counted and not told yet is told with the next beat, if this one fails. */
  async beat(): Promise<void> {
    const { board, meter, log } = this.#options
    const total = totals(meter)
    const deltas: Record<string, number> = {}
    for (const [name, count] of Object.entries(total)) {
      const delta = count - (this.#told[name] ?? 0)
      if (delta > 0) deltas[name] = delta
    }
    const before = this.#told
    this.#told = total
    await board.beat(this.describe(), deltas).catch((err) => {
      this.#told = before
      log.debug({ err }, 'this process could not tell how it is: tried again')
    })
  }

  /**
   * Counts the keys of each prefix, step by step; one process at a time does, unless it is told to at once. How long Redis takes to
   * answer, which is more than it works, decides when they are counted next.
   */
  countKeys(atOnce = false): Promise<void> {
    this.#counting = this.#countInTurn(atOnce)
    return this.#counting
  }

  async #countInTurn(atOnce: boolean): Promise<void> {
    const { board, log } = this.#options
    let restMs = 0.9 * COUNT_INTERVAL_MS
    try {
      if (!(await board.mayCountKeys()) && !atOnce) return
      const { counts, storeMs } = await this.#count()
      restMs = Math.max(restMs, storeMs / COUNT_SHARE)
      if (!this.#stopped) await board.putKeyCounts(counts)
      await board.restFromCounting(restMs)
    } catch (err) {
      await board.restFromCounting(restMs).catch(() => {})
      log.debug({ err }, 'keys not counted: tried again later')
    }
  }

  async #count(): Promise<{ counts: KeyCounts; storeMs: number }> {
    const start = performance.now()
    const prefixes: Record<string, number> = Object.fromEntries(DATA_PREFIXES.map((prefix) => [prefix, 0]))
    let storeMs = 0
    let askedAt = start
    for await (const { keys } of this.#options.store.matching('*')) {
      storeMs += performance.now() - askedAt
      for (const key of keys) {
        const prefix = key.slice(0, key.indexOf(':'))
        prefixes[prefix] = (prefixes[prefix] ?? 0) + 1
      }
      if (this.#stopped) break
      await sleep(COUNT_PAUSE_MS)
      askedAt = performance.now()
    }
    const ms = Math.round(performance.now() - start)
    return { counts: { at: new Date().toISOString(), ms, prefixes }, storeMs }
  }

  /** How this process is. */
  describe(): ProcessBeat {
    const { meter, role, state } = this.#options
    const { storeAnswers: answers, storeErrors: errors, storeMs } = meter
    return {
      id: this.#id,
      role,
      host: hostname(),
      pid: process.pid,
      startedAt: this.#startedAt,
      at: new Date().toISOString(),
      rssBytes: process.memoryUsage.rss(),
      invalidations: meter.invalidations,
      store: { answers, errors, meanMs: answers === 0 ? 0 : storeMs / answers },
      ...state()
    }
  }
}

/** What a meter has counted, in the words of the report. */
function countsOf({ memoryHits, storeHits, misses, stale, bypassed }: PrefixCounts): Counts {
  return { hits: memoryHits + storeHits, misses, stale, bypassed }
}

function totals(meter: CacheMeter): Deltas & Record<string, number> {
  const entries = DATA_PREFIXES.flatMap((prefix) =>
    Object.entries(countsOf(meter.prefixes[prefix])).map(([what, count]) => [`${prefix}:${what}`, count] as const)
  )
  return Object.fromEntries(entries)
}
