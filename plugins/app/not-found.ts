import fp from 'fastify-plugin'
import { errorBody } from '#http/errors.ts'

/**
 * 404 for paths without a route. Such a request counts towards the limit of all routes, before its body is read, so
 * that probing for routes is limited like any other request.
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
