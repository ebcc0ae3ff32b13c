import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { keys, tags } from '../../../../src/cache/keys.ts'
import { Category, CategoryList, CategoryParams } from '../../../../src/catalogue/shapes.ts'
import { ErrorBody } from '../../../../src/errors.ts'
import { noQuery } from '../../../../src/paging.ts'

const ttlMs = 30 * 60_000

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { catalogue } = app

  app.get(
    '',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'All categories, by name',
        querystring: noQuery,
        response: { 200: CategoryList, 400: ErrorBody }
      }
    },
    (_request, reply) =>
      reply.sendCached({ key: keys.categories, tags: [tags.categories], ttlMs }, () => catalogue.categories())
  )

  app.get(
    '/:slug',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'One category',
        params: CategoryParams,
        querystring: noQuery,
        response: { 200: Category, 400: ErrorBody, 404: ErrorBody }
      }
    },
    ({ params: { slug } }, reply) =>
      reply.sendCached({ key: keys.category(slug), tags: [tags.categories], ttlMs }, () => catalogue.category(slug))
  )
}

export default routes
