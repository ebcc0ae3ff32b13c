import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { FinishedChapterList, GenerationParams } from '#generation/shapes.ts'
import { errors } from '#http/errors.ts'
import { abortOnHangUp } from '#plugins/app/hang-up.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { generations } = app

  app.get(
    '',
    {
      config: { entityTag: true },
      schema: {
        tags: ['generation'],
        operationId: 'listFinishedChapters',
        summary: 'The chapters finished so far, with their content',
        description:
          'Once the generation is completed: the chapters of the course as they are now, or none if you may no longer see the course.',
        params: GenerationParams,
        response: { 200: FinishedChapterList, ...errors(404) }
      }
    },
    async (request, reply) => generations.chapters(request.signedIn(), request.params.id, abortOnHangUp(reply))
  )
}

export default routes
