/** How an answer came about. BYPASS: the store is not trusted, and was not asked. STALE: expired, but the database is down. */
export type Outcome = 'HIT' | 'MISS' | 'STALE' | 'BYPASS'

/** What the cache did for one request: the headers and the request log tell it. */
export class Trace {
  hits = 0
  misses = 0
  /** Of the last look-up. */
  outcome: Outcome = 'MISS'
  /** Who had what was found last: this process, or the store. */
  tier: 'l1' | 'store' = 'l1'
  /** Milliseconds spent asking the cache. */
  cacheMs = 0
  /** Milliseconds spent loading what the cache did not have. */
  loadMs = 0
}
