import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { Trace } from '#cache'
import { timingHeaders } from '#http/timing-headers.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** Sets the timing headers as of now; for streams, whose headers bypass `onSend`. */
    setTimingHeaders(): FastifyReply
  }
}

/**
 * The cache headers of every 404. The real ones would show whether a resource had been looked up before or has changed,
 * and so reveal that somebody's draft exists. Metrics and the log have the real values.
 */
const EMPTY_TRACE = new Trace()

/**
 * Sets `X-Request-Id`, `X-Response-Time`, `X-Cache-Hits`, `X-Cache-Misses` and `Server-Timing` on every response. Its
 * hook runs after those of the other plugins, so that the time and the counts include their work.
 */
export default fp(
  async (app) => {
    app.decorateReply('setTimingHeaders', function (): FastifyReply {
      const { id, trace } = this.request
      if (this.statusCode === 404) return this.headers(timingHeaders(id, EMPTY_TRACE, this.elapsedTime))
      return this.headers(timingHeaders(id, trace, this.elapsedTime))
    })
    app.addHook('onSend', (_request, reply, payload, done) => {
      if (reply.statusCode === 404 && reply.hasHeader('X-Cache')) reply.header('X-Cache', EMPTY_TRACE.outcome)
      reply.setTimingHeaders()
      done(null, payload)
    })
  },
  { name: 'timing-headers', dependencies: ['request-trace'] }
)
