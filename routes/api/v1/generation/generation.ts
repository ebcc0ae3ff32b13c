import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { allowanceHeaders } from '#generation/generations.ts'
import {
  Generation,
  GenerationPage,
  GenerationParams,
  GenerationQuery,
  IdempotencyKey,
  NewGeneration
} from '#generation/shapes.ts'
import { errors } from '#http/errors.ts'
import { noQuery } from '#http/paging.ts'

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
        response: { 202: Generation, ...errors(400, 401, 415, 429, 503) }
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
        response: { 200: GenerationPage, ...errors(400, 401, 429, 503) }
      }
    },
    async (request) => generations.list(request.signedIn().id, request.query)
  )

  app.get(
    '/:id',
    {
      schema: {
        tags,
        summary: 'One generation',
        params: GenerationParams,
        querystring: noQuery,
        response: { 200: Generation, ...errors(400, 401, 404, 429, 503) }
      }
    },
    async (request, reply) => {
      const { generation } = await generations.find(request.signedIn().id, request.params.id)
      reply.sendOwn(generation)
      return reply
    }
  )

  app.delete(
    '/:id',
    {
      schema: {
        tags,
        summary: 'Cancel a generation',
        params: GenerationParams,
        response: { 202: Generation, ...errors(400, 401, 404, 409, 429, 503) }
      }
    },
    async (request, reply) => reply.code(202).send(await generations.cancel(request.signedIn().id, request.params.id))
  )
}

export default routes
