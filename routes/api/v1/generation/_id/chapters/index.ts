import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { FinishedChapterList, GenerationParams } from '#generation/shapes.ts'
import { errors } from '#http/errors.ts'
import { hangUp } from '#plugins/app/hang-up.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { generations } = app

  app.get(
    '',
    {
      config: { entityTag: true },
      schema: {
        tags: ['generation'],
        operationId: 'listFinishedChapters',
        summary: 'The chapters that are finished so far, with their content',
        description:
          'Once the generation is completed they are those of the course, as they are now; none where you may not see it any more.',
        params: GenerationParams,
        response: { 200: FinishedChapterList, ...errors(404) }
      }
    },
    async (request, reply) => generations.chapters(request.signedIn(), request.params.id, hangUp(reply))
  )
}

export default routes
