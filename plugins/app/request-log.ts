import fp from 'fastify-plugin'
import { LineLimit } from '#bounds/line-limit.ts'
import { loggedUrl } from '#logging/logged-url.ts'

/** Refusals logged per second: otherwise, a client that ignores them would fill the disk. */
const MAX_REFUSALS = 50
const REFUSALS = new Set([400, 403, 417, 429, 503])

/**
 * One log line for every request, with the work of the cache; a warning if it was slow. Of the requests that were
 * neither slow nor refused nor failed, only one in `LOG_SAMPLE` is logged.
 */
export default fp(
  async (app) => {
    const { slowRequestMs, logSample } = app.config
    const refusals = new LineLimit(MAX_REFUSALS)
    /** Routes that monitoring calls every few seconds. */
    const forOperators = new Set<string | undefined>()
    app.addHook('onRoute', ({ url, config }) => {
      if (config?.operator) forOperators.add(url)
    })
    app.onCompleted(({ requestId, traceId, spanId, method, url, route, user, status, ms, trace, streamed }) => {
      const slow = ms >= slowRequestMs && !streamed
      const sampled = logSample > 1 && status < 400 && !slow
      // At random: if a page always sends the same two requests in turn, every hundredth would always be the same one.
      if (sampled && Math.random() * logSample >= 1) return
      const counted = REFUSALS.has(status) ? refusals.take() : {}
      if (counted === null) return
      const { hits, misses } = trace
      const line = {
        requestId,
        traceId,
        spanId,
        method,
        url: loggedUrl(url),
        route,
        user,
        status,
        ms: round(ms),
        hits,
        misses,
        ...(sampled ? { sample: logSample } : {}),
        ...counted
      }
      if (!slow) app.log[forOperators.has(route) ? 'debug' : 'info'](line, 'request')
      else app.log.warn({ ...line, cacheMs: round(trace.cacheMs), loadMs: round(trace.loadMs) }, 'slow request')
    })
  },
  { name: 'request-log', dependencies: ['completed-requests'] }
)

/** To the microsecond. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
