import fp from 'fastify-plugin'
import { LineLimit } from '#bounds/line-limit.ts'
import { loggedUrl } from '#logging/logged-url.ts'

/** Refusals that are logged in a second: a client that goes on in spite of them would fill the disk. */
const MAX_REFUSALS = 50
const REFUSALS = new Set([400, 403, 417, 429, 503])

/**
 * One log line for every request, with what the cache did for it; a warning when it was slow. Of requests that are neither slow nor
 * refused nor failed one of `LOG_SAMPLE` is told.
 */
export default fp(
  async (app) => {
    const { slowRequestMs, logSample } = app.config
    const refusals = new LineLimit(MAX_REFUSALS)
    /** What monitoring asks for every few seconds. */
    const forOperators = new Set<string | undefined>()
    app.addHook('onRoute', ({ url, config }) => {
      if (config?.operator) forOperators.add(url)
    })
    app.onCompleted(({ requestId, traceId, spanId, method, url, route, user, status, ms, trace, streamed }) => {
      const slow = ms >= slowRequestMs && !streamed
      const sampled = logSample > 1 && status < 400 && !slow
      // By chance: every hundredth would be the same one of two that a page always asks for in turn.
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
