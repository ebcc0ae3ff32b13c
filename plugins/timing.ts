import fp from 'fastify-plugin'
import { Trace } from '../src/cache/trace.ts'
import { timingHeaders } from '../src/timing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the cache did for this request. */
    trace: Trace
  }
}

/** `X-Request-Id`, `X-Response-Time`, `X-Cache-Hits`, `X-Cache-Misses` and `Server-Timing` on every response. */
export default fp(
  async (app) => {
    app.decorateRequest('trace')

    app.addHook('onRequest', (request, _reply, done) => {
      request.trace = new Trace()
      done()
    })

    // A hook of another plugin may have failed before ours ran: then there is no trace.
    app.addHook('onSend', (request, reply, _payload, done) => {
      reply.header('X-Request-Id', request.id).headers(timingHeaders(request.trace ?? new Trace(), reply.elapsedTime))
      done()
    })
  },
  { name: 'timing' }
)
