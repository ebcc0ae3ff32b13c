import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { ChapterChange } from '#courses/authoring-shapes.ts'
import { specs } from '#courses/cache-specs.ts'
import { visibleTo } from '#courses/catalogue.ts'
import { Chapter, ChapterParams, Course, ModuleList } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'
import { ifMatch } from '#http/precondition.ts'
import { cachedByParams } from '#plugins/app/cached-routes.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { catalogue, authoring } = app

  app.get(
    '/:chapterId',
    {
      config: {
        public: true,
        cache: cachedByParams(ChapterParams, {
          spec: ({ id, chapterId }) => specs.chapter(id, chapterId),
          own: ({ id, chapterId }, account) => catalogue.chapter(id, chapterId, visibleTo(account)),
          frontDoor: true
        })
      },
      schema: {
        tags: ['catalogue'],
        operationId: 'getChapter',
        summary: 'A chapter with its content',
        params: ChapterParams,
        response: { 200: Chapter, ...errors(404) }
      }
    },
    async ({ params: { id, chapterId } }) => catalogue.chapter(id, chapterId)
  )

  app.patch(
    '/:chapterId',
    {
      config: { entityTag: true },
      schema: {
        tags: ['authoring'],
        operationId: 'updateChapter',
        summary: 'Change or move a chapter',
        params: ChapterParams,
        headers: ifMatch,
        body: ChapterChange,
        response: { 200: Chapter, ...errors(404, 409, 412) }
      }
    },
    async (request, reply) => {
      const { id, chapterId } = request.params
      return authoring.changeChapter(request.signedIn(), id, chapterId, request.body, versionsOf(reply))
    }
  )

  app.delete(
    '/:chapterId',
    {
      schema: {
        tags: ['authoring'],
        operationId: 'deleteChapter',
        summary: 'Delete a chapter',
        params: ChapterParams,
        headers: ifMatch,
        response: { 204: NoContent, ...errors(404, 409, 412) }
      }
    },
    async (request, reply) => {
      const { id, chapterId } = request.params
      await authoring.deleteChapter(request.signedIn(), id, chapterId, versionsOf(reply))
      return reply.code(204).send(null)
    }
  )
}

const versionsOf = (reply: FastifyReply) => ({
  own: reply.precondition(Chapter),
  course: reply.precondition(Course),
  modules: reply.precondition(ModuleList)
})

export default routes
