import { DATA_PREFIXES } from './keys.ts'

export type DataPrefix = (typeof DATA_PREFIXES)[number]

/** Counts for the keys of one prefix, since the process started. */
export interface PrefixCounts {
  /** Reads answered from a copy in this process, and from the store. */
  memoryHits: number
  storeHits: number
  misses: number
  /** Reads answered with an expired copy because the database failed. */
  stale: number
  /** Reads that bypassed the store because it was not trusted. */
  bypassed: number
  /** Loads from the database, how many failed, and their total time in ms. */
  loads: number
  loadErrors: number
  loadMs: number
}

/** Counters of the cache in this process. They are plain numbers, so that counting costs a hit next to nothing. */
export class CacheMeter {
  readonly prefixes: Readonly<Record<DataPrefix, PrefixCounts>>
  invalidations = 0
  invalidatedTags = 0
  /** Values that were not stored because they are too large. */
  oversized = 0
  /** Answers of the store, their total time in ms, and failed commands. */
  storeAnswers = 0
  storeMs = 0
  storeErrors = 0
  /** How often the store lost trust: it failed, or the connection was lost. */
  interruptions = 0
  /** Called with the duration of each answer, in ms. */
  observeStore: (ms: number) => void = () => {}

  constructor() {
    const none = (): PrefixCounts => ({
      memoryHits: 0,
      storeHits: 0,
      misses: 0,
      stale: 0,
      bypassed: 0,
      loads: 0,
      loadErrors: 0,
      loadMs: 0
    })
    this.prefixes = { course: none(), user: none(), api: none(), generation: none(), stats: none() }
  }

  /** The counts for the prefix of a key. */
  of(key: string): PrefixCounts {
    return this.prefixes[prefixOf(key)]
  }

  storeAnswered(ms: number): void {
    this.storeAnswers++
    this.storeMs += ms
    this.observeStore(ms)
  }
}

/** The prefix of a key; `stats` for one with an unknown prefix. */
function prefixOf(key: string): DataPrefix {
  return DATA_PREFIXES.find((prefix) => key.startsWith(prefix)) ?? 'stats'
}
