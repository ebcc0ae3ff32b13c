/**
 * How a read was answered. BYPASS: without the store, which is not trusted. STALE: expired, but the database is down.
 */
export type Outcome = 'HIT' | 'MISS' | 'STALE' | 'BYPASS'

/** What the cache did for one request, for the response headers and the request log. */
export class Trace {
  hits = 0
  misses = 0
  /** Of the last look-up. */
  outcome: Outcome = 'MISS'
  /** Where the last hit was found: in this process, or in the store. */
  tier: 'l1' | 'store' = 'l1'
  /** Milliseconds spent in the cache. */
  cacheMs = 0
  /** Milliseconds spent loading after misses. */
  loadMs = 0
}
