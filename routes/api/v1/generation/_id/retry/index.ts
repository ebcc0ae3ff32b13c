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
        summary: 'Go on with a generation that failed or was cancelled',
        description:
          'It keeps its id and its finished chapters, which are not asked for again, and does not count as one more of the hour. ' +
          'Answers 409 for any other (NOT_FAILED), after ten retries (RETRIES_USED_UP), while another one writes the same chapter ' +
          '(CHAPTER_UNDER_WAY), and where the account has no room; 429 and 503 as a new generation.',
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
