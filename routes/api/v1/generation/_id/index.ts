import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Generation, GenerationParams } from '#generation/shapes.ts'
import { errors } from '#http/errors.ts'

const tags = ['generation']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { generations } = app

  app.get(
    '',
    {
      config: { entityTag: true },
      schema: {
        tags,
        operationId: 'getGeneration',
        summary: 'One generation',
        params: GenerationParams,
        response: { 200: Generation, ...errors(404) }
      }
    },
    async (request) => (await generations.find(request.signedIn().id, request.params.id)).generation
  )

  app.delete(
    '',
    {
      config: { scope: 'generate' },
      schema: {
        tags,
        operationId: 'cancelGeneration',
        summary: 'Cancel a generation',
        params: GenerationParams,
        response: { 202: Generation, ...errors(404, 409) }
      }
    },
    async (request, reply) => reply.code(202).send(await generations.cancel(request.signedIn().id, request.params.id))
  )
}

export default routes
