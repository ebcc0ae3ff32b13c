import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ChapterChange, ModuleChange, ModuleParams, NewChapter, NewModule } from '#courses/authoring-shapes.ts'
import { ifMatch } from '#courses/precondition.ts'
import { Chapter, ChapterParams, Course, CourseParams, Module } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'

const tags = ['authoring']
const refusals = errors(400, 401, 403, 404, 409, 415, 429, 503)
/** Of what takes If-Match. */
const guardedRefusals = { ...refusals, ...errors(412) }

/** Modules and chapters of a course. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { authoring } = app

  app.post(
    '/:id/modules',
    {
      schema: {
        tags,
        summary: 'A new module',
        params: CourseParams,
        body: NewModule,
        response: { 201: Module, ...refusals }
      }
    },
    async (request, reply) => {
      const module = await authoring.addModule(request.signedIn(), request.params.id, request.body)
      return reply.code(201).send(module)
    }
  )

  app.patch(
    '/:id/modules/:moduleId',
    {
      schema: {
        tags,
        summary: 'Change or move a module',
        params: ModuleParams,
        headers: ifMatch,
        body: ModuleChange,
        response: { 200: Module, ...guardedRefusals }
      }
    },
    async (request, reply) => {
      const { id, moduleId } = request.params
      return authoring.changeModule(request.signedIn(), id, moduleId, request.body, reply.precondition(Course))
    }
  )

  app.delete(
    '/:id/modules/:moduleId',
    {
      schema: {
        tags,
        summary: 'Delete a module with its chapters',
        params: ModuleParams,
        headers: ifMatch,
        response: { 204: NoContent, ...guardedRefusals }
      }
    },
    async (request, reply) => {
      const { id, moduleId } = request.params
      await authoring.deleteModule(request.signedIn(), id, moduleId, reply.precondition(Course))
      return reply.code(204).send(null)
    }
  )

  app.post(
    '/:id/modules/:moduleId/chapters',
    {
      schema: {
        tags,
        summary: 'A new chapter',
        params: ModuleParams,
        body: NewChapter,
        response: { 201: Chapter, ...refusals }
      }
    },
    async (request, reply) => {
      const { id, moduleId } = request.params
      const chapter = await authoring.addChapter(request.signedIn(), id, moduleId, request.body)
      return reply.code(201).header('Location', `/api/v1/courses/${id}/chapters/${chapter.id}`).send(chapter)
    }
  )

  app.patch(
    '/:id/chapters/:chapterId',
    {
      schema: {
        tags,
        summary: 'Change or move a chapter',
        params: ChapterParams,
        headers: ifMatch,
        body: ChapterChange,
        response: { 200: Chapter, ...guardedRefusals }
      }
    },
    async (request, reply) => {
      const { id, chapterId } = request.params
      reply.sendOwn(
        await authoring.changeChapter(request.signedIn(), id, chapterId, request.body, reply.precondition(Chapter))
      )
      return reply
    }
  )

  app.delete(
    '/:id/chapters/:chapterId',
    {
      schema: {
        tags,
        summary: 'Delete a chapter',
        params: ChapterParams,
        headers: ifMatch,
        response: { 204: NoContent, ...guardedRefusals }
      }
    },
    async (request, reply) => {
      const { id, chapterId } = request.params
      await authoring.deleteChapter(request.signedIn(), id, chapterId, reply.precondition(Chapter))
      return reply.code(204).send(null)
    }
  )
}

export default routes
