import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CategoryChange, NewCategory } from '#courses/authoring-shapes.ts'
import { Category, CategoryParams } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'

const tags = ['administration']
const refusals = errors(400, 401, 403, 404, 409, 415, 429, 503)

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { categories } = app

  app.post(
    '',
    { schema: { tags, summary: 'A new category', body: NewCategory, response: { 201: Category, ...refusals } } },
    async (request, reply) => {
      request.admin()
      const category = await categories.create(request.body)
      return reply.code(201).header('Location', `/api/v1/categories/${category.slug}`).send(category)
    }
  )

  app.patch(
    '/:slug',
    {
      schema: {
        tags,
        summary: 'Change a category',
        params: CategoryParams,
        body: CategoryChange,
        response: { 200: Category, ...refusals }
      }
    },
    async (request) => {
      request.admin()
      return categories.change(request.params.slug, request.body)
    }
  )

  app.delete(
    '/:slug',
    {
      schema: {
        tags,
        summary: 'Delete a category; its courses stay, without one',
        params: CategoryParams,
        response: { 204: NoContent, ...refusals }
      }
    },
    async (request, reply) => {
      request.admin()
      await categories.delete(request.params.slug)
      return reply.code(204).send(null)
    }
  )
}

export default routes
