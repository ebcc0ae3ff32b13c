/** What the cache did for one request. */
interface CacheWork {
  readonly hits: number
  readonly misses: number
  /** Milliseconds spent asking the cache. */
  readonly cacheMs: number
  /** Milliseconds spent loading what the cache did not have. */
  readonly loadMs: number
}

/**
 * The headers that let operators find a request in the log and see what it cost; `totalMs` is the total time in
 * milliseconds.
 */
export function timingHeaders(
  requestId: string,
  { hits, misses, cacheMs, loadMs }: CacheWork,
  totalMs: number
): Record<string, string | number> {
  const total = fixed(totalMs)
  return {
    'X-Request-Id': requestId,
    'X-Response-Time': `${total}ms`,
    'X-Cache-Hits': hits,
    'X-Cache-Misses': misses,
    'Server-Timing': `cache;dur=${fixed(cacheMs)}, load;dur=${fixed(loadMs)}, total;dur=${total}`
  }
}

/** To the microsecond. */
function fixed(ms: number): string {
  return ms === 0 ? '0.000' : ms.toFixed(3)
}
