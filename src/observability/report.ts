import { DATA_PREFIXES } from '#cache'
import { mastersOf, type RedisClient } from '#redis/connect.ts'
import type { CacheHistory, CacheMemory } from './browse-shapes.ts'
import { describeNode, slowCommands } from './redis-node.ts'
import type { CacheReport, GenerationsReport, HistoryItem, StoreState } from './report-shapes.ts'
import type { ReportStore } from './report-store.ts'
import { routesOf } from './route-meter.ts'
import type { Counts, Heartbeat, InvalidationNote } from './shapes.ts'
import { type Deltas, FIVE_MINUTES, MINUTES, ROUTE_SLOTS, type Slot } from './slots.ts'

/** The hit ratio below which something is wrong: drawn as a line on the page, and used by the alert. */
const GOAL = 0.8

/** How long to wait for each part, in ms; a slower one is reported as unknown. */
const TIMEOUT_MS = 600
const HOUR_MINUTES = 60
const HOUR_MS = 3_600_000

/** Counters by spans of time. */
export type Counted = Pick<ReportStore, 'minutes' | 'fiveMinutes' | 'routes'>

/** The part of the report that the answering process knows itself. */
export interface OwnReport {
  readonly store: StoreState
  /** Used while the report store cannot be read, as are the next two. */
  readonly process: Heartbeat | null
  readonly counted: Counted | null
  readonly invalidations: readonly InvalidationNote[]
}

/** The queries of the report; each rejects if the database does not answer. */
export interface ReportQueries {
  /** How many invalidations have not reached Redis yet. */
  outboxDepth(): Promise<number>
  generations(): Promise<GenerationsReport>
  activeSessions(): Promise<number>
}

export interface ReportOptions {
  readonly reportStore: ReportStore
  readonly redis: RedisClient | null
  readonly own: OwnReport
  /** Null: the report leaves these parts out. */
  readonly database: ReportQueries | null
}

/**
 * The state of the cache in all processes. Parts that fail, or take longer than `TIMEOUT_MS`, are left out: operators
 * need this report most while something is broken.
 */
export async function reportOf({ reportStore, redis, own, database }: ReportOptions): Promise<CacheReport> {
  const masters = redis === null ? [] : mastersOf(redis)
  const [
    sharedMinutes,
    sharedRoutes,
    processes,
    keys,
    clearing,
    invalidations,
    nodes,
    slowLogs,
    depth,
    generations,
    active
  ] = await Promise.all([
    orFallback(reportStore.minutes.last(HOUR_MINUTES), null),
    orFallback(reportStore.routes.last(ROUTE_SLOTS.kept), null),
    orFallback(reportStore.processes(), own.process === null ? [] : [own.process]),
    orFallback(reportStore.keyCounts(), null),
    orFallback(reportStore.lastClearing(), null),
    orFallback(reportStore.invalidations(), own.invalidations),
    Promise.all(masters.map((master) => orFallback(describeNode(master), null))),
    Promise.all(masters.map((master) => orFallback(slowCommands(master), []))),
    orFallback(database?.outboxDepth(), null),
    orFallback(database?.generations(), null),
    orFallback(database?.activeSessions(), null)
  ])
  const history = sharedMinutes ?? (await own.counted?.minutes.last(HOUR_MINUTES)) ?? []
  const routes = sharedRoutes ?? (await own.counted?.routes.last(ROUTE_SLOTS.kept)) ?? []
  const hour = history.map(({ counts }) => counts)
  return {
    at: new Date().toISOString(),
    mode: redis === null ? 'embedded' : 'redis',
    scope: sharedMinutes === null ? 'process' : 'all',
    store: own.store,
    // Two minutes, because the one that has just begun says little.
    hitRatio: { now: ratioOf(sumOf(hour.slice(-2))), hour: ratioOf(sumOf(hour)), goal: GOAL },
    prefixes: DATA_PREFIXES.map((prefix) => {
      const counts = sumOf(hour, prefix)
      return { prefix, ...counts, hitRatio: ratioOf(counts), keys: keys?.prefixes[prefix] ?? null }
    }),
    history: history.map(historyItem),
    keysCountedAt: keys?.at ?? null,
    nodes: nodes.filter((node) => node !== null),
    slowLog: slowLogs.flat().toSorted((a, b) => b.at.localeCompare(a.at)),
    processes: processes
      .map((beat) => ({
        ...beat,
        version: beat.version ?? null,
        commit: beat.commit ?? null,
        generations: beat.generations ?? null
      }))
      .toSorted((a, b) => a.startedAt.localeCompare(b.startedAt)),
    outbox: { depth },
    lastClearing: clearing,
    invalidations: invalidations.toSorted((a, b) => b.at.localeCompare(a.at)),
    routes: routesOf(routes),
    generations,
    sessions: active === null ? null : { active }
  }
}

/** The last `hours`: by minute if they are few, else by five minutes. */
export async function historyOf(reportStore: Counted, hours: number): Promise<CacheHistory> {
  const { slots, stepMs } =
    hours * HOUR_MS <= MINUTES.kept * MINUTES.stepMs
      ? { slots: reportStore.minutes, ...MINUTES }
      : { slots: reportStore.fiveMinutes, ...FIVE_MINUTES }
  const spans = await slots.last((hours * HOUR_MS) / stepMs)
  return { stepS: stepMs / 1000, items: spans.map(historyItem) }
}

/** What uses the memory of the cache, if it has been measured. */
export async function memoryOf(reportStore: ReportStore): Promise<CacheMemory> {
  const counts = await reportStore.keyCounts()
  return counts?.memory === undefined
    ? { at: null, sampled: 0, prefixes: [], largest: [] }
    : { at: counts.at, ...counts.memory }
}

/** The counters of a span of time, as the report shows them. */
function historyItem({ at, counts }: Slot): HistoryItem {
  const { samples = 0, ops = 0, bytes = 0, requests = 0, beats = 0 } = counts
  return {
    at: new Date(at).toISOString(),
    ...sumOf([counts]),
    opsPerSecond: samples === 0 ? null : Math.round((10 * ops) / samples) / 10,
    usedBytes: samples === 0 ? null : Math.round(bytes / samples),
    requests: requests + beats === 0 ? null : requests
  }
}

/** Resolves to the answer, or to `otherwise` if there is no question, or it fails or times out. */
async function orFallback<T, U>(asked: Promise<T> | undefined, otherwise: U): Promise<T | U> {
  if (asked === undefined) return otherwise
  const late = Promise.withResolvers<U>()
  const timer = setTimeout(() => late.resolve(otherwise), TIMEOUT_MS)
  return Promise.race([asked.catch(() => otherwise), late.promise]).finally(() => clearTimeout(timer))
}

/** Adds up counters, of one prefix or of all. */
function sumOf(minutes: readonly Deltas[], prefix?: string): Counts {
  const sum = { hits: 0, misses: 0, stale: 0, bypassed: 0 }
  const prefixes = prefix === undefined ? DATA_PREFIXES : [prefix]
  for (const counts of minutes) {
    for (const name of prefixes) {
      sum.hits += counts[`${name}:hits`] ?? 0
      sum.misses += counts[`${name}:misses`] ?? 0
      sum.stale += counts[`${name}:stale`] ?? 0
      sum.bypassed += counts[`${name}:bypassed`] ?? 0
    }
  }
  return sum
}

function ratioOf({ hits, misses }: Counts): number | null {
  return hits + misses === 0 ? null : hits / (hits + misses)
}
