import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { ModuleChange, ModuleParams, NewChapter, NewModule } from '#courses/authoring-shapes.ts'
import { specs } from '#courses/cache-specs.ts'
import { visibleTo } from '#courses/catalogue.ts'
import { Chapter, Course, CourseParams, Module, ModuleList } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'
import { ifMatch } from '#http/precondition.ts'
import { cachedByParams } from '#plugins/app/cached-routes.ts'

const tags = ['authoring']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { catalogue, authoring } = app

  app.get(
    '',
    {
      config: {
        public: true,
        cache: cachedByParams(CourseParams, {
          spec: ({ id }) => specs.courseModules(id),
          own: ({ id }, account) => catalogue.modules(id, visibleTo(account)),
          frontDoor: true
        })
      },
      schema: {
        tags: ['catalogue'],
        operationId: 'listModules',
        summary: 'The modules of a course',
        params: CourseParams,
        response: { 200: ModuleList, ...errors(404) }
      }
    },
    async (request) => catalogue.modules(request.params.id)
  )

  app.post(
    '',
    {
      config: { entityTag: true },
      schema: {
        tags,
        operationId: 'createModule',
        summary: 'Create a module',
        params: CourseParams,
        body: NewModule,
        response: { 201: Module, ...errors(404, 409) }
      }
    },
    async (request, reply) => {
      const module = await authoring.addModule(request.signedIn(), request.params.id, request.body)
      return reply.code(201).send(module)
    }
  )

  app.patch(
    '/:moduleId',
    {
      config: { entityTag: true },
      schema: {
        tags,
        operationId: 'updateModule',
        summary: 'Change or move a module',
        params: ModuleParams,
        headers: ifMatch,
        body: ModuleChange,
        response: { 200: Module, ...errors(404, 409, 412) }
      }
    },
    async (request, reply) => {
      const { id, moduleId } = request.params
      return authoring.changeModule(request.signedIn(), id, moduleId, request.body, versionsOf(reply))
    }
  )

  app.delete(
    '/:moduleId',
    {
      schema: {
        tags,
        operationId: 'deleteModule',
        summary: 'Delete a module with its chapters',
        params: ModuleParams,
        headers: ifMatch,
        response: { 204: NoContent, ...errors(404, 409, 412) }
      }
    },
    async (request, reply) => {
      const { id, moduleId } = request.params
      await authoring.deleteModule(request.signedIn(), id, moduleId, versionsOf(reply))
      return reply.code(204).send(null)
    }
  )

  app.post(
    '/:moduleId/chapters',
    {
      config: { sends: ['Location'], entityTag: true },
      schema: {
        tags,
        operationId: 'createChapter',
        summary: 'Create a chapter',
        params: ModuleParams,
        body: NewChapter,
        response: { 201: Chapter, ...errors(404, 409) }
      }
    },
    async (request, reply) => {
      const { id, moduleId } = request.params
      const chapter = await authoring.addChapter(request.signedIn(), id, moduleId, request.body)
      return reply.code(201).locate(`/api/v1/courses/${id}/chapters/${chapter.id}`).send(chapter)
    }
  )
}

const versionsOf = (reply: FastifyReply) => ({
  own: reply.precondition(Module),
  course: reply.precondition(Course),
  modules: reply.precondition(ModuleList)
})

export default routes
