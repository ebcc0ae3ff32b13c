import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'

/** How much of a URL is logged. */
const MAX_URL = 512

/** One log line a request, with what the cache did for it; a warning when it was slow. */
export default fp(
  async (app) => {
    const { slowRequestMs } = app.config

    app.addHook('onResponse', (request, reply, done) => {
      const { hits, misses, cacheMs, loadMs } = request.trace
      const ms = round(reply.elapsedTime)
      const line = {
        method: request.method,
        url: request.url.slice(0, MAX_URL),
        route: request.routeOptions.url,
        ...(request.account && { user: request.account.id }),
        status: reply.statusCode,
        ms,
        hits,
        misses
      }
      if (ms < slowRequestMs || isStream(reply)) request.log.info(line, 'request')
      else request.log.warn({ ...line, cacheMs: round(cacheMs), loadMs: round(loadMs) }, 'slow request')
      done()
    })
  },
  { name: 'request-log', dependencies: ['response-head', 'identity'] }
)

/** A stream is as long as what it tells of. */
function isStream(reply: FastifyReply): boolean {
  return /^text\/event-stream/.test(String(reply.getHeader('content-type')))
}

/** Milliseconds, to the microsecond. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
