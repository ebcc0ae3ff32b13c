import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { timingHeaders } from '#http/timing-headers.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** Sets the timing headers as of now; for a stream, whose head does not pass `onSend`. */
    setTimingHeaders(): FastifyReply
  }
}

/**
 * Sets `X-Request-Id`, `X-Response-Time`, `X-Cache-Hits`, `X-Cache-Misses` and `Server-Timing` on every response. Its hook runs
 * after those of the other plugins, so that the time and the counts include what they did.
 */
export default fp(
  async (app) => {
    app.decorateReply('setTimingHeaders', function (): FastifyReply {
      const { id, trace } = this.request
      return this.headers(timingHeaders(id, trace, this.elapsedTime))
    })
    app.addHook('onSend', (_request, reply, payload, done) => {
      reply.setTimingHeaders()
      done(null, payload)
    })
  },
  { name: 'timing-headers', dependencies: ['request-trace'] }
)
