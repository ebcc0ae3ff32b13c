import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CacheHistory, HistoryQuery } from '#observability/browse-shapes.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '',
    {
      config: { role: 'admin', adminLink: true },
      schema: {
        tags: ['administration'],
        operationId: 'getCacheHistory',
        summary: 'The history of the cache, for up to a day',
        querystring: HistoryQuery,
        response: { 200: CacheHistory }
      }
    },
    async (request) => app.cacheHistory(request.query.hours)
  )
}

export default routes
