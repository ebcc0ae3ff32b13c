/** What the cache did for one request: the headers and the request log tell it. */
export class Trace {
  hits = 0
  misses = 0
  /** Milliseconds spent asking the cache. */
  cacheMs = 0
  /** Milliseconds spent loading what the cache did not have. */
  loadMs = 0
}
