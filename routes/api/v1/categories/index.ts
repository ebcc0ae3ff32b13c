import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CategoryChange, NewCategory } from '#courses/authoring-shapes.ts'
import { specs } from '#courses/cache-specs.ts'
import { Category, CategoryDeletion, CategoryList, CategoryParams } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'
import { ifMatch } from '#http/precondition.ts'
import { cached, cachedByParams } from '#plugins/app/cached-routes.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { catalogue, categories } = app

  app.get(
    '',
    {
      config: { public: true, cache: cached({ spec: () => specs.categories(), frontDoor: true }) },
      schema: {
        tags: ['catalogue'],
        operationId: 'listCategories',
        summary: 'All categories, by name',
        response: { 200: CategoryList }
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
        operationId: 'getCategory',
        summary: 'One category',
        params: CategoryParams,
        response: { 200: Category, ...errors(404) }
      }
    },
    async ({ params: { slug } }) => catalogue.category(slug)
  )

  app.post(
    '',
    {
      config: { sends: ['Location'], role: 'admin', entityTag: true },
      schema: {
        tags: ['administration'],
        operationId: 'createCategory',
        summary: 'Create a category',
        body: NewCategory,
        response: { 201: Category, ...errors(409) }
      }
    },
    async (request, reply) => {
      const category = await categories.create(request.body)
      return reply.code(201).locate(`/api/v1/categories/${category.slug}`).send(category)
    }
  )

  app.patch(
    '/:slug',
    {
      config: { role: 'admin', entityTag: true },
      schema: {
        tags: ['administration'],
        operationId: 'updateCategory',
        summary: 'Change a category',
        params: CategoryParams,
        headers: ifMatch,
        body: CategoryChange,
        response: { 200: Category, ...errors(404, 409, 412) }
      }
    },
    async (request, reply) => categories.change(request.params.slug, request.body, reply.precondition(Category))
  )

  app.delete(
    '/:slug',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['administration'],
        operationId: 'deleteCategory',
        summary: 'Delete a category; its courses move to another one',
        description:
          'Answers 409 CATEGORY_IN_USE, with the number of courses, if it has courses and moveTo is missing.',
        params: CategoryParams,
        querystring: CategoryDeletion,
        headers: ifMatch,
        response: { 204: NoContent, ...errors(404, 409, 412) }
      }
    },
    async (request, reply) => {
      const { params, query } = request
      await categories.delete(params.slug, query.moveTo, reply.precondition(Category))
      return reply.code(204).send(null)
    }
  )
}

export default routes
