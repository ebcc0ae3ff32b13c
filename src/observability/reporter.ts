import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CacheMeter, PrefixCounts, Store } from '#cache'
import { DATA_PREFIXES } from '#cache'
import { version } from '#config/version.ts'
import type { Log } from '#logging/log.ts'
import type { Board } from './board.ts'
import type { InvalidationLog } from './invalidation-log.ts'
import { MemoryBoard } from './memory-board.ts'
import { MemorySample } from './memory-sample.ts'
import type { Counted } from './report.ts'
import type { RouteMeter } from './route-meter.ts'
import type { Counts, KeyCounts, ProcessBeat, RedisNode } from './shapes.ts'
import { type Deltas, Telling } from './slots.ts'

const BEAT_INTERVAL_MS = 5000
/** One process asks Redis how it is about as often as each of them beats. */
const SAMPLE_INTERVAL_MS = 4500
const COUNT_INTERVAL_MS = 15_000
/** Of its time Redis gives so much to counting, at most: with many keys they are counted more seldom. */
const COUNT_SHARE = 0.01
/** A pause between two steps of counting, so that Redis does other things meanwhile. */
const COUNT_PAUSE_MS = 2

export interface ReporterOptions {
  readonly board: Board
  readonly meter: CacheMeter
  readonly store: Store
  readonly routes: RouteMeter
  readonly invalidations: InvalidationLog
  readonly role: ProcessBeat['role']
  readonly commit: string | null
  /** What else a beat says: looked at each time. */
  readonly state: () => Pick<ProcessBeat, 'l1' | 'trusted' | 'sweeper' | 'generations'>
  /** The servers of Redis as they are now; none where there are none. */
  readonly nodes: () => Promise<readonly Pick<RedisNode, 'opsPerSecond' | 'usedBytes'>[]>
  readonly log: Log
}

/** Puts up on the board, every five seconds, what this process does; and counts the keys when it is its turn. */
export class Reporter {
  readonly #options: ReporterOptions
  readonly #id = randomUUID()
  readonly #startedAt = new Date().toISOString()
  readonly #tellings: readonly Telling[]
  /** What this process has counted, for while the board does not answer. */
  readonly own: Counted
  /** Sums, of which the board keeps means. */
  readonly #samples = { samples: 0, ops: 0, bytes: 0 }
  /** By which a span in which nothing was asked differs from one in which nobody ran. */
  #beats = 0
  #timers: NodeJS.Timeout[] = []
  #counting: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: ReporterOptions) {
    this.#options = options
    const { board, meter, routes } = options
    const totals = () => ({ ...totalsOf(meter), requests: routes.requests, beats: this.#beats, ...this.#samples })
    // Embedded, the board is this process's own.
    this.own = board instanceof MemoryBoard ? board : new MemoryBoard()
    this.#tellings = [...new Set([board, this.own])].flatMap((board) => [
      new Telling(board.minutes, totals),
      new Telling(board.fiveMinutes, totals),
      new Telling(board.routes, () => routes.totals())
    ])
  }

  get startedAt(): string {
    return this.#startedAt
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
    const { board, invalidations, log } = this.#options
    this.#beats++
    const told = [
      board.beat(this.describe()),
      ...this.#tellings.map((telling) => telling.tell()),
      invalidations.tell((notes) => board.addInvalidations(notes)),
      this.#sample()
    ]
    const failed = (await Promise.allSettled(told)).find((one) => one.status === 'rejected')
    if (failed) log.debug({ err: failed.reason }, 'this process could not tell how it is: tried again')
  }

  /** Looks how Redis is, when it is the turn of this process; told with the next beat. */
  async #sample(): Promise<void> {
    if (!(await this.#options.board.maySample(SAMPLE_INTERVAL_MS))) return
    const nodes = await this.#options.nodes()
    if (nodes.length === 0) return
    this.#samples.samples++
    for (const { opsPerSecond, usedBytes } of nodes) {
      this.#samples.ops += opsPerSecond
      this.#samples.bytes += usedBytes
    }
  }

  /**
   * Counts the keys of each prefix and weighs some, step by step; one process at a time does, unless it is told to at once. How long Redis takes to
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
    const sample = new MemorySample()
    let storeMs = 0
    let askedAt = start
    for await (const { keys, memoryUsage } of this.#options.store.matching('*')) {
      const chosen = sample.choose(keys)
      for (const [i, bytes] of (await memoryUsage(chosen)).entries()) sample.add(chosen[i] ?? '', bytes)
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
    return { counts: { at: new Date().toISOString(), ms, prefixes, memory: sample.result(prefixes) }, storeMs }
  }

  /** How this process is. */
  describe(): ProcessBeat {
    const { meter, role, commit, state } = this.#options
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
      version,
      commit,
      ...state()
    }
  }
}

/** What a meter has counted, in the words of the report. */
function countsOf({ memoryHits, storeHits, misses, stale, bypassed }: PrefixCounts): Counts {
  return { hits: memoryHits + storeHits, misses, stale, bypassed }
}

function totalsOf(meter: CacheMeter): Deltas {
  const entries = DATA_PREFIXES.flatMap((prefix) =>
    Object.entries(countsOf(meter.prefixes[prefix])).map(([what, count]) => [`${prefix}:${what}`, count] as const)
  )
  return Object.fromEntries(entries)
}
