import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Generation, GenerationParams } from '#generation/shapes.ts'
import { errors } from '#http/errors.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { generations } = app

  app.post(
    '',
    {
      config: { scope: 'generate' },
      preHandler: app.requireVerifiedFor('generate'),
      schema: {
        tags: ['generation'],
        operationId: 'retryGeneration',
        summary: 'Resume a failed or cancelled generation',
        description:
          'It keeps its id and its finished chapters, and does not count towards the hourly limit. Answers 409 for a generation in any ' +
          'other state (NOT_FAILED), after ten retries (RETRIES_USED_UP), while another generation rewrites the same chapter ' +
          '(CHAPTER_UNDER_WAY), and if a quota is reached; 429 and 503 like a new generation.',
        params: GenerationParams,
        response: { 202: Generation, ...errors(404, 409) }
      }
    },
    async (request, reply) => {
      const generation = await generations.retry(request.signedIn(), request.params.id)
      return reply.code(202).locate(`/api/v1/generation/${generation.id}`).send(generation)
    }
  )
}

export default routes
