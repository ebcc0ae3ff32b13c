import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { specs } from '#courses/cache-specs.ts'
import { Category, CategoryList, CategoryParams } from '#courses/shapes.ts'
import { ErrorBody } from '#http/errors.ts'
import { noQuery } from '#http/paging.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { catalogue } = app

  app.get(
    '',
    {
      config: { public: true },
      schema: {
        tags: ['catalogue'],
        summary: 'All categories, by name',
        querystring: noQuery,
        response: { 200: CategoryList, 400: ErrorBody }
      }
    },
    (_request, reply) => reply.sendCached(specs.categories(), () => catalogue.categories())
  )

  app.get(
    '/:slug',
    {
      config: { public: true },
      schema: {
        tags: ['catalogue'],
        summary: 'One category',
        params: CategoryParams,
        querystring: noQuery,
        response: { 200: Category, 400: ErrorBody, 404: ErrorBody }
      }
    },
    ({ params: { slug } }, reply) => reply.sendCached(specs.category(slug), () => catalogue.category(slug))
  )
}

export default routes
