import fp from 'fastify-plugin'
import { errorBody } from '#http/errors.ts'

/** 404 for what no route is for. It counts for the limit that every route has: looking for routes is a request as any other. */
export default fp(
  async (app) => {
    app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) =>
      reply.code(404).send(errorBody(404, 'NOT_FOUND', 'Route not found', request.id))
    )
  },
  { name: 'not-found', dependencies: ['rate-limit'] }
)
