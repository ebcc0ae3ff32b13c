import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { buildOf, checkHealth, Health } from '#observability/health.ts'
import { sharedFor } from '#observability/shared-for.ts'

/** How long an answer is shared: each check queries the database, Redis and the queue. */
const SHARED_MS = 1000

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const config = { operator: true, rateLimit: app.operatorLimit, public: true }
  const build = buildOf(app.config)
  const { cache, session, limit } = app.redis
  const redis = {
    ...(cache && { redis: cache }),
    ...(session && session !== cache && { sessions: session }),
    ...(limit && limit !== cache && limit !== session && { limits: limit })
  }
  const { database, generationQueue: queue } = app
  const health = sharedFor(SHARED_MS, () =>
    checkHealth({ database, queue, redis, keyPrefix: app.config.redis.keyPrefix })
  )

  app.get(
    '/live',
    {
      config,
      schema: {
        tags: ['platform'],
        operationId: 'getLiveness',
        summary: 'Whether the process answers',
        response: { 200: Health }
      }
    },
    async () => ({ status: 'ok' as const, ...build, checks: {}, reasons: [] })
  )

  app.get(
    '/ready',
    {
      config,
      schema: {
        tags: ['platform'],
        operationId: 'getReadiness',
        summary: 'Whether the process can serve requests',
        response: { 200: Health, 503: Health }
      }
    },
    async (_request, reply) => {
      // Still serving, but load balancers should send no more requests.
      if (app.isDraining())
        return reply
          .code(503)
          .send({ status: 'down', ...build, checks: {}, reasons: ['this process is about to stop'] })
      const now = await health()
      return reply.code(now.status === 'down' ? 503 : 200).send({ ...now, ...build })
    }
  )
}

export default routes
