import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { logStream } from '../src/log-stream.ts'
import { formatRequestLine, INFO, WARN } from '../src/request-line.ts'

/** How much of a URL is logged. */
const MAX_URL = 512

/** One log line a request, with what the cache did for it; a warning when it was slow. */
export default fp(
  async (app) => {
    const { logLevel, slowRequestMs } = app.config
    const tellsAll = ['info', 'debug', 'trace'].includes(logLevel)
    const tellsSlow = tellsAll || logLevel === 'warn'
    if (!tellsSlow) return

    app.addHook('onResponse', (request, reply, done) => {
      const { trace, method, url, route, account } = request
      const ms = reply.elapsedTime
      const slow = ms >= slowRequestMs && !isStream(reply) ? trace : undefined
      if (slow === undefined && !tellsAll) return done()
      const line = formatRequestLine({
        requestId: request.id,
        method,
        url: url.slice(0, MAX_URL),
        route: route.url,
        user: account?.id,
        status: reply.statusCode,
        ms,
        hits: trace.hits,
        misses: trace.misses,
        slow
      })
      logStream.write(line, slow ? WARN : INFO)
      done()
    })
  },
  { name: 'request-log', dependencies: ['response-head', 'identity'] }
)

/** A stream is as long as what it tells of. */
function isStream(reply: FastifyReply): boolean {
  return /^text\/event-stream/.test(String(reply.getHeader('content-type')))
}
