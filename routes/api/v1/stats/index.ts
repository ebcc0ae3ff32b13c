import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { cached } from '#plugins/app/cached-routes.ts'
import { specs } from '#statistics/cache-specs.ts'
import { Statistics } from '#statistics/shapes.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { statistics } = app

  app.get(
    '',
    {
      config: { public: true, cache: cached({ spec: () => specs.overview(), frontDoor: true }) },
      schema: {
        tags: ['platform'],
        operationId: 'getStatistics',
        summary: 'Counts of the platform, and its most popular courses',
        response: { 200: Statistics }
      }
    },
    async (request) => statistics.overview(request.loadSignal)
  )
}

export default routes
