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
      // A stream is as long as what it tells of.
      const streams = /^text\/event-stream/.test(String(reply.getHeader('content-type')))
      if (ms < slowRequestMs || streams) request.log.info(line, 'request')
      else request.log.warn({ ...line, cacheMs: round(cacheMs), loadMs: round(loadMs) }, 'slow request')
      done()
    })
  },
  { name: 'request-log', dependencies: ['timing', 'identity'] }
)

/** Milliseconds, to the microsecond. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
