import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { allowanceHeaders } from '#generation/generations.ts'
import { Generation, GenerationPage, GenerationQuery, IdempotencyKey, NewGeneration } from '#generation/shapes.ts'

const tags = ['generation']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { generations } = app

  app.post(
    '',
    {
      schema: {
        tags,
        summary: 'Have a course written',
        headers: IdempotencyKey,
        body: NewGeneration,
        response: { 202: Generation }
      }
    },
    async (request, reply) => {
      const { id } = request.signedIn()
      const { generation, allowance } = await generations.create(id, request.body, request.headers['idempotency-key'])
      if (allowance !== null) reply.headers(allowanceHeaders(allowance))
      return reply.code(202).header('Location', `/api/v1/generation/${generation.id}`).send(generation)
    }
  )

  app.get(
    '',
    {
      schema: {
        tags,
        summary: 'The own generations, newest first',
        querystring: GenerationQuery,
        response: { 200: GenerationPage }
      }
    },
    async (request) => generations.list(request.signedIn().id, request.query)
  )
}

export default routes
