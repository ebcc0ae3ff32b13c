import type { Trace } from './cache/trace.ts'

/** The headers by which operators see what a response cost; `totalMs` is the whole time, in milliseconds. */
export function timingHeaders(trace: Trace, totalMs: number): Record<string, string> {
  const total = totalMs.toFixed(3)
  return {
    'X-Response-Time': `${total}ms`,
    'X-Cache-Hits': String(trace.hits),
    'X-Cache-Misses': String(trace.misses),
    'Server-Timing': `cache;dur=${trace.cacheMs.toFixed(3)}, load;dur=${trace.loadMs.toFixed(3)}, total;dur=${total}`
  }
}
