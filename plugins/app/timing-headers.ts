import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { Trace } from '#cache'
import { timingHeaders } from '#http/timing-headers.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** Sets the timing headers as of now; for a stream, whose head does not pass `onSend`. */
    setTimingHeaders(): FastifyReply
  }
}

/**
 * What a 404 says of the cache, always: whether it was looked up before, and whether something of it has changed since, would tell
 * somebody else's draft from nothing. Metrics and the log have what was.
 */
const NOTHING_TOLD = new Trace()

/**
 * Sets `X-Request-Id`, `X-Response-Time`, `X-Cache-Hits`, `X-Cache-Misses` and `Server-Timing` on every response. Its hook runs
 * after those of the other plugins, so that the time and the counts include what they did.
 */
export default fp(
  async (app) => {
    app.decorateReply('setTimingHeaders', function (): FastifyReply {
      const { id, trace } = this.request
      if (this.statusCode === 404) return this.headers(timingHeaders(id, NOTHING_TOLD, this.elapsedTime))
      return this.headers(timingHeaders(id, trace, this.elapsedTime))
    })
    app.addHook('onSend', (_request, reply, payload, done) => {
      if (reply.statusCode === 404 && reply.hasHeader('X-Cache')) reply.header('X-Cache', NOTHING_TOLD.outcome)
      reply.setTimingHeaders()
      done(null, payload)
    })
  },
  { name: 'timing-headers', dependencies: ['request-trace'] }
)
