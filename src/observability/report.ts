import { DATA_PREFIXES } from '#cache'
import { mastersOf, type RedisClient } from '#redis/connect.ts'
import type { Board, Deltas } from './board.ts'
import { describeNode, slowCommands } from './redis-node.ts'
import type { CacheReport, Counts, ProcessBeat } from './shapes.ts'

/** The hit ratio below which something is wrong: the line on the page, and the alert. */
const GOAL = 0.8

export interface ReportOptions {
  readonly board: Board
  readonly redis: RedisClient | null
  /** How the process is that is asked: told also while the board cannot be read. */
  readonly own?: () => ProcessBeat
  /** How many invalidations the store does not know of. */
  readonly outboxDepth: () => Promise<number>
}

/**
 * What the cache does, in all processes. What cannot be asked at the moment is left out, not thrown: this is what operators look
 * at while something is broken.
 */
export async function reportOf({ board, redis, own, outboxDepth }: ReportOptions): Promise<CacheReport> {
  const masters = redis === null ? [] : mastersOf(redis)
  const [history, processes, keys, nodes, slowLogs, depth] = await Promise.all([
    board.history().catch(() => []),
    board.processes().catch(() => (own === undefined ? [] : [own()])),
    board.keyCounts().catch(() => null),
    Promise.all(masters.map((master) => describeNode(master).catch(() => null))),
    Promise.all(masters.map((master) => slowCommands(master).catch(() => []))),
    outboxDepth().catch(() => null)
  ])
  const minutes = history.map(({ at, counts }) => ({ at: new Date(at).toISOString(), ...sumOf([counts]) }))
  const hour = history.map(({ counts }) => counts)
  return {
    at: new Date().toISOString(),
    mode: redis === null ? 'embedded' : 'redis',
    // The minute that has just begun says little.
    hitRatio: { now: ratioOf(sumOf(hour.slice(-2))), hour: ratioOf(sumOf(hour)), goal: GOAL },
    prefixes: DATA_PREFIXES.map((prefix) => {
      const counts = sumOf(hour, prefix)
      return { prefix, ...counts, hitRatio: ratioOf(counts), keys: keys?.prefixes[prefix] ?? null }
    }),
    history: minutes,
    keysCountedAt: keys?.at ?? null,
    nodes: nodes.filter((node) => node !== null),
    slowLog: slowLogs.flat().toSorted((a, b) => b.at.localeCompare(a.at)),
    processes: processes.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt)),
    outbox: { depth }
  }
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
