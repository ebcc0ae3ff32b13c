import { DATA_PREFIXES } from './keys.ts'

export type DataPrefix = (typeof DATA_PREFIXES)[number]

/** What the cache did for the keys of one prefix, since the process began. */
export interface PrefixCounts {
  /** Answered by a copy in this process, and by the store. */
  memoryHits: number
  storeHits: number
  misses: number
  /** Answered by an expired copy, because the database failed. */
  stale: number
  /** Answered without the store, which is not trusted. */
  bypassed: number
  /** Loads from the database, those that failed, and how long they took together, in ms. */
  loads: number
  loadErrors: number
  loadMs: number
}

/** What the cache does in this process, in plain numbers: a hit must pay nothing for being counted. */
export class CacheMeter {
  readonly prefixes: Readonly<Record<DataPrefix, PrefixCounts>>
  invalidations = 0
  invalidatedTags = 0
  /** Values that were not stored because they are too large. */
  oversized = 0
  /** Answers of the store, their time together in ms, and what failed. */
  storeAnswers = 0
  storeMs = 0
  storeErrors = 0
  /** How often the store was held for untrustworthy: it failed, or the connection was lost. */
  interruptions = 0
  /** Told how long each answer took, in ms. */
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

  /** The counts to which a key belongs. */
  of(key: string): PrefixCounts {
    return this.prefixes[prefixOf(key)]
  }

  storeAnswered(ms: number): void {
    this.storeAnswers++
    this.storeMs += ms
    this.observeStore(ms)
  }
}

/** The first word of a key; `stats` for one that is none of the cache's. */
function prefixOf(key: string): DataPrefix {
  return DATA_PREFIXES.find((prefix) => key.startsWith(prefix)) ?? 'stats'
}
