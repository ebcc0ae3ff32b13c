import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { noQuery } from '#http/paging.ts'
import { sharedFor } from '#observability/shared-for.ts'

/** Gathering them asks the database. */
const SHARED_MS = 1000

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const metrics = sharedFor(SHARED_MS, async () => Buffer.from(await app.metrics.metrics()))

  app.get(
    '',
    {
      config: { operator: true, rateLimit: app.operatorLimit, public: true },
      schema: { hide: true, querystring: noQuery }
    },
    async (_request, reply) => reply.type(app.metrics.contentType).send(await metrics())
  )
}

export default routes
