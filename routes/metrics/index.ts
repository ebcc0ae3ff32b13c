import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { noQuery } from '#http/paging.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '',
    { config: { rateLimit: false, public: true }, schema: { hide: true, querystring: noQuery } },
    async (_request, reply) => reply.type(app.metrics.contentType).send(await app.metrics.metrics())
  )
}

export default routes
