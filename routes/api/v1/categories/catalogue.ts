import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { specs } from '#courses/cache-specs.ts'
import { Category, CategoryList, CategoryParams } from '#courses/shapes.ts'
import { ErrorBody } from '#http/errors.ts'
import { noQuery } from '#http/paging.ts'
import { cached, cachedByParams } from '#plugins/app/cached-routes.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { catalogue } = app

  app.get(
    '',
    {
      config: { public: true, cache: cached({ spec: () => specs.categories(), frontDoor: true }) },
      schema: {
        tags: ['catalogue'],
        summary: 'All categories, by name',
        querystring: noQuery,
        response: { 200: CategoryList, 400: ErrorBody }
      }
    },
    async () => catalogue.categories()
  )

  app.get(
    '/:slug',
    {
      config: {
        public: true,
        cache: cachedByParams(CategoryParams, { spec: ({ slug }) => specs.category(slug), frontDoor: true })
      },
      schema: {
        tags: ['catalogue'],
        summary: 'One category',
        params: CategoryParams,
        querystring: noQuery,
        response: { 200: Category, 400: ErrorBody, 404: ErrorBody }
      }
    },
    async ({ params: { slug } }) => catalogue.category(slug)
  )
}

export default routes
