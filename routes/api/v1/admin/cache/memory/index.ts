import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { requireRedis } from '#http/require-redis.ts'
import { CacheMemory } from '#observability/browse-shapes.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '',
    {
      config: { role: 'admin', adminLink: true },
      schema: {
        tags: ['administration'],
        operationId: 'getCacheMemory',
        summary: 'What uses the memory of the cache, estimated from a sample of its keys',
        response: { 200: CacheMemory }
      }
    },
    async () => requireRedis(app.cacheMemory())
  )
}

export default routes
