import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { version } from '#config/version.ts'
import { checkHealth, Health } from '#observability/health.ts'
import { sharedFor } from '#observability/shared-for.ts'

/** Checking asks the database, Redis and the queue. */
const SHARED_MS = 1000

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const config = { operator: true, rateLimit: app.operatorLimit, public: true }
  const health = sharedFor(SHARED_MS, () => checkHealth(app.database, app.redis.cache ?? null, app.generationQueue))

  app.get(
    '/live',
    {
      config,
      schema: {
        tags: ['platform'],
        operationId: 'getLiveness',
        summary: 'The process answers',
        response: { 200: Health }
      }
    },
    async () => ({ status: 'ok' as const, version, checks: {} })
  )

  app.get(
    '/ready',
    {
      config,
      schema: {
        tags: ['platform'],
        operationId: 'getReadiness',
        summary: 'What it needs is there',
        response: { 200: Health, 503: Health }
      }
    },
    async (_request, reply) => {
      // Still answering, but no more to be sent to.
      if (app.isDraining()) return reply.code(503).send({ status: 'down', version, checks: {} })
      const now = await health()
      return reply.code(now.status === 'down' ? 503 : 200).send(now)
    }
  )
}

export default routes
