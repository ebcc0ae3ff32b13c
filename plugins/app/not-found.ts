import fp from 'fastify-plugin'
import { errorBody } from '#http/errors.ts'

/**
 * 404 for what no route is for. It counts for the limit that every route has, before a body is read: looking for routes is a request as
 * any other.
 */
export default fp(
  async (app) => {
    const limit = app.rateLimit()
    app.addHook('onRequest', (request, reply, done) => {
      if (!request.is404) done()
      else limit.call(app, request, reply).then(() => done(), done)
    })
    app.setNotFoundHandler((request, reply) =>
      reply.code(404).send(errorBody(404, 'NOT_FOUND', 'Route not found', request.id))
    )
  },
  { name: 'not-found', dependencies: ['rate-limit'] }
)
