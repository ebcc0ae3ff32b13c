import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CacheMeter, PrefixCounts, Store } from '#cache'
import { DATA_PREFIXES } from '#cache'
import { version } from '#config/version.ts'
import type { Log } from '#logging/log.ts'
import type { InvalidationLog } from './invalidation-log.ts'
import { MemoryReportStore } from './memory-report-store.ts'
import { MemorySample } from './memory-sample.ts'
import type { Counted } from './report.ts'
import type { ReportStore } from './report-store.ts'
import type { RouteMeter } from './route-meter.ts'
import type { Counts, Heartbeat, KeyCounts, RedisNode } from './shapes.ts'
import { type Deltas, DeltaWriter } from './slots.ts'

const BEAT_INTERVAL_MS = 5000
/** One process samples Redis about as often as each process sends a heartbeat. */
const SAMPLE_INTERVAL_MS = 4500
const COUNT_INTERVAL_MS = 15_000
/**
 * The largest share of Redis's time that counting may take: the more keys there are, the less often they are counted.
 */
const COUNT_SHARE = 0.01
/** A pause between two steps of counting, so that Redis can do other work. */
const COUNT_PAUSE_MS = 2

export interface ReporterOptions {
  readonly reportStore: ReportStore
  readonly meter: CacheMeter
  readonly store: Store
  readonly routes: RouteMeter
  readonly invalidations: InvalidationLog
  readonly role: Heartbeat['role']
  readonly commit: string | null
  /** The rest of a heartbeat, read each time. */
  readonly state: () => Pick<Heartbeat, 'l1' | 'trusted' | 'sweeper' | 'generations'>
  /** The current state of the Redis servers; empty if there are none. */
  readonly nodes: () => Promise<readonly Pick<RedisNode, 'opsPerSecond' | 'usedBytes'>[]>
  readonly log: Log
}

/** Publishes the state and the counters of this process every five seconds, and counts the keys when it is its turn. */
export class Reporter {
  readonly #options: ReporterOptions
  readonly #id = randomUUID()
  readonly #startedAt = new Date().toISOString()
  readonly #deltaWriters: readonly DeltaWriter[]
  /** The counters of this process alone, for when the report store does not answer. */
  readonly own: Counted
  /** Sums; the report divides them by `samples`. */
  readonly #samples = { samples: 0, ops: 0, bytes: 0 }
  /** Distinguishes a span without requests from one without running processes. */
  #beats = 0
  #timers: NodeJS.Timeout[] = []
  #counting: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: ReporterOptions) {
    this.#options = options
    const { reportStore, meter, routes } = options
    const totals = () => ({ ...totalsOf(meter), requests: routes.requests, beats: this.#beats, ...this.#samples })
    // Embedded, the report store is this process's own anyway.
    this.own = reportStore instanceof MemoryReportStore ? reportStore : new MemoryReportStore()
    this.#deltaWriters = [...new Set([reportStore, this.own])].flatMap((reportStore) => [
      new DeltaWriter(reportStore.minutes, totals),
      new DeltaWriter(reportStore.fiveMinutes, totals),
      new DeltaWriter(reportStore.routes, () => routes.totals())
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
    await this.#options.reportStore.leave(this.#id).catch(() => {})
  }

  /** Publishes a heartbeat. If it fails, the next one includes the same counts. */
  async beat(): Promise<void> {
    const { reportStore, invalidations, log } = this.#options
    this.#beats++
    const writes = [
      reportStore.beat(this.describe()),
      ...this.#deltaWriters.map((writer) => writer.write()),
      invalidations.flush((notes) => reportStore.addInvalidations(notes)),
      this.#sample()
    ]
    const failed = (await Promise.allSettled(writes)).find((one) => one.status === 'rejected')
    if (failed) log.debug({ err: failed.reason }, 'cannot publish the state of this process: retrying')
  }

  /** Samples the state of Redis when it is the turn of this process; the next heartbeat publishes it. */
  async #sample(): Promise<void> {
    if (!(await this.#options.reportStore.claimSampling(SAMPLE_INTERVAL_MS))) return
    const nodes = await this.#options.nodes()
    if (nodes.length === 0) return
    this.#samples.samples++
    for (const { opsPerSecond, usedBytes } of nodes) {
      this.#samples.ops += opsPerSecond
      this.#samples.bytes += usedBytes
    }
  }

  /**
   * Counts the keys of each prefix and measures some of them, step by step. Only one process does so at a time, unless
   * `atOnce`. The time that Redis takes to answer, an upper bound of its work, determines the pause before the next
   * count.
   */
  countKeys(atOnce = false): Promise<void> {
    this.#counting = this.#countInTurn(atOnce)
    return this.#counting
  }

  async #countInTurn(atOnce: boolean): Promise<void> {
    const { reportStore, log } = this.#options
    let restMs = 0.9 * COUNT_INTERVAL_MS
    try {
      if (!(await reportStore.claimKeyCount()) && !atOnce) return
      const { counts, storeMs } = await this.#count()
      restMs = Math.max(restMs, storeMs / COUNT_SHARE)
      if (!this.#stopped) await reportStore.putKeyCounts(counts)
      await reportStore.pauseKeyCount(restMs)
    } catch (err) {
      await reportStore.pauseKeyCount(restMs).catch(() => {})
      log.debug({ err }, 'cannot count keys: retrying later')
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

  /** The heartbeat: the current state of this process. */
  describe(): Heartbeat {
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

/** The counters of a meter, by the names of the report. */
function countsOf({ memoryHits, storeHits, misses, stale, bypassed }: PrefixCounts): Counts {
  return { hits: memoryHits + storeHits, misses, stale, bypassed }
}

function totalsOf(meter: CacheMeter): Deltas {
  const entries = DATA_PREFIXES.flatMap((prefix) =>
    Object.entries(countsOf(meter.prefixes[prefix])).map(([what, count]) => [`${prefix}:${what}`, count] as const)
  )
  return Object.fromEntries(entries)
}
