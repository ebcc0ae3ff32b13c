import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Chapter, ChapterParams } from '#courses/shapes.ts'
import { allowanceHeaders } from '#generation/admission.ts'
import { Generation } from '#generation/shapes.ts'
import { errors } from '#http/errors.ts'
import { ifMatch } from '#http/precondition.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { chapterRewrites } = app

  app.post(
    '',
    {
      config: { scope: 'generate' },
      preHandler: [app.requireVerifiedFor('generate'), app.limitGenerationsOfNetwork],
      schema: {
        tags: ['generation'],
        operationId: 'regenerateChapter',
        summary: 'Have a chapter rewritten',
        description:
          'Starts a generation of one chapter, which replaces its content and minutes on completion. If the chapter was changed meanwhile, it ' +
          'is kept: the generation fails (CHAPTER_CHANGED), and a retry replaces the chapter. Answers 409 if the chapter is already ' +
          'being rewritten (CHAPTER_UNDER_WAY). Has the same limits as a new generation.',
        params: ChapterParams,
        headers: ifMatch,
        response: { 202: Generation, ...errors(404, 409, 412) }
      }
    },
    async (request, reply) => {
      const { id, chapterId } = request.params
      const precondition = reply.precondition(Chapter)
      const { generation, allowance } = await chapterRewrites.begin(request.signedIn(), id, chapterId, precondition)
      if (allowance !== null) reply.headers(allowanceHeaders(allowance))
      return reply.code(202).locate(`/api/v1/generation/${generation.id}`).send(generation)
    }
  )
}

export default routes
