import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { bearerToken, challenge, isSameSecret } from '#http/bearer.ts'
import { ApiError } from '#http/errors.ts'
import { noQuery } from '#http/paging.ts'
import { sharedFor } from '#observability/shared-for.ts'

/** How long an answer is shared: collecting metrics queries the database. */
const SHARED_MS = 1000

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { metricsToken } = app.config
  const metrics = sharedFor(SHARED_MS, async () => Buffer.from(await app.metrics.metrics()))

  app.get(
    '',
    {
      config: { operator: true, rateLimit: app.operatorLimit, public: true },
      schema: { hide: true, querystring: noQuery },
      preHandler: async ({ headers }) => {
        if (metricsToken === null || isSameSecret(bearerToken(headers.authorization) ?? '', metricsToken)) return
        throw new ApiError(401, 'INVALID_TOKEN', 'send the METRICS_TOKEN: Authorization: Bearer ...', {
          'WWW-Authenticate': challenge('invalid_token')
        })
      }
    },
    async (_request, reply) => reply.type(app.metrics.contentType).send(await metrics())
  )
}

export default routes
