import { DATA_PREFIXES } from '#cache'
import { mastersOf, type RedisClient } from '#redis/connect.ts'
import type { Board } from './board.ts'
import type { CacheHistory, CacheMemory } from './browse-shapes.ts'
import { describeNode, slowCommands } from './redis-node.ts'
import type { CacheReport, GenerationsReport, HistoryItem, StoreState } from './report-shapes.ts'
import { routesOf } from './route-meter.ts'
import type { Counts, InvalidationNote, ProcessBeat } from './shapes.ts'
import { type Deltas, FIVE_MINUTES, MINUTES, ROUTE_SLOTS, type Slot } from './slots.ts'

/** The hit ratio below which something is wrong: the line on the page, and the alert. */
const GOAL = 0.8

/** For how long anything is waited for: what takes longer is not known. */
const PATIENCE_MS = 600
const HOUR_MINUTES = 60
const HOUR_MS = 3_600_000

/** What was counted, by spans of time. */
export type Counted = Pick<Board, 'minutes' | 'fiveMinutes' | 'routes'>

/** What the process says that is asked. */
export interface OwnReport {
  readonly store: StoreState
  /** Told while the board cannot be read, as the next two. */
  readonly process: ProcessBeat | null
  readonly counted: Counted | null
  readonly invalidations: readonly InvalidationNote[]
}

/** What the database says; each rejects where it does not answer. */
export interface AskedDatabase {
  /** How many invalidations the store does not know of. */
  outboxDepth(): Promise<number>
  generations(): Promise<GenerationsReport>
  activeSessions(): Promise<number>
}

export interface ReportOptions {
  readonly board: Board
  readonly redis: RedisClient | null
  readonly own: OwnReport
  /** Null: it is not asked. */
  readonly database: AskedDatabase | null
}

/**
 * What the cache does, in all processes. What cannot be asked at the moment is left out, not thrown, and waited for no longer than
 * `PATIENCE_MS`: this is what operators look at while something is broken.
 */
export async function reportOf({ board, redis, own, database }: ReportOptions): Promise<CacheReport> {
  const masters = redis === null ? [] : mastersOf(redis)
  const [told, toldRoutes, processes, keys, clearing, invalidations, nodes, slowLogs, depth, generations, active] =
    await Promise.all([
      known(board.minutes.last(HOUR_MINUTES), null),
      known(board.routes.last(ROUTE_SLOTS.kept), null),
      known(board.processes(), own.process === null ? [] : [own.process]),
      known(board.keyCounts(), null),
      known(board.lastClearing(), null),
      known(board.invalidations(), own.invalidations),
      Promise.all(masters.map((master) => known(describeNode(master), null))),
      Promise.all(masters.map((master) => known(slowCommands(master), []))),
      known(database?.outboxDepth(), null),
      known(database?.generations(), null),
      known(database?.activeSessions(), null)
    ])
  const history = told ?? (await own.counted?.minutes.last(HOUR_MINUTES)) ?? []
  const routes = toldRoutes ?? (await own.counted?.routes.last(ROUTE_SLOTS.kept)) ?? []
  const hour = history.map(({ counts }) => counts)
  return {
    at: new Date().toISOString(),
    mode: redis === null ? 'embedded' : 'redis',
    scope: told === null ? 'process' : 'all',
    store: own.store,
    // The minute that has just begun says little.
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

/** The last hours: by minute while there are few, by five minutes for a day. */
export async function historyOf(board: Counted, hours: number): Promise<CacheHistory> {
  const { slots, stepMs } =
    hours * HOUR_MS <= MINUTES.kept * MINUTES.stepMs
      ? { slots: board.minutes, ...MINUTES }
      : { slots: board.fiveMinutes, ...FIVE_MINUTES }
  const spans = await slots.last((hours * HOUR_MS) / stepMs)
  return { stepS: stepMs / 1000, items: spans.map(historyItem) }
}

/** What takes the memory of the cache, as far as it is known. */
export async function memoryOf(board: Board): Promise<CacheMemory> {
  const counts = await board.keyCounts()
  return counts?.memory === undefined
    ? { at: null, sampled: 0, prefixes: [], largest: [] }
    : { at: counts.at, ...counts.memory }
}

/** What was counted in a span of time, as people read it. */
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

/** What was asked, or `otherwise` where nothing was, or nobody answers in time. */
async function known<T, U>(asked: Promise<T> | undefined, otherwise: U): Promise<T | U> {
  if (asked === undefined) return otherwise
  const late = Promise.withResolvers<U>()
  const timer = setTimeout(() => late.resolve(otherwise), PATIENCE_MS)
  return Promise.race([asked.catch(() => otherwise), late.promise]).finally(() => clearTimeout(timer))
}

/** The counts of some minutes together, of one prefix or of all. */
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
