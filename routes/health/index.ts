import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { checkHealth, Health } from '#observability/health.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/live',
    {
      config: { rateLimit: false, public: true },
      schema: { tags: ['platform'], summary: 'The process answers', response: { 200: Health } }
    },
    async () => ({ status: 'ok' as const, checks: {} })
  )

  app.get(
    '/ready',
    {
      config: { rateLimit: false, public: true },
      schema: { tags: ['platform'], summary: 'What it needs is there', response: { 200: Health, 503: Health } }
    },
    async (_request, reply) => {
      // Still answering, but no more to be sent to.
      if (app.isDraining()) return reply.code(503).send({ status: 'down', checks: {} })
      const health = await checkHealth(app.database, app.redis.cache ?? null, app.generationQueue)
      return reply.code(health.status === 'down' ? 503 : 200).send(health)
    }
  )
}

export default routes
