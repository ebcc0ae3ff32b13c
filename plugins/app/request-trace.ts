import fp from 'fastify-plugin'
import { Trace } from '#cache'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the cache did for this request. */
    trace: Trace
  }
}

/** Gives each request the trace in which the cache records what it did. */
export default fp(
  async (app) => {
    app.decorateRequest('trace')
    app.addHook('onRequest', (request, _reply, done) => {
      request.trace = new Trace()
      done()
    })
  },
  { name: 'request-trace' }
)
