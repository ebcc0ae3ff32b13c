import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '#http/errors.ts'
import { NotModified } from '#http/no-content.ts'
import { noQuery, pageQuery, queryOf } from '#http/paging.ts'
import {
  Completion,
  CompletionParams,
  EnrolledCoursePage,
  Progress,
  ProgressList,
  ProgressParams
} from '#learning/shapes.ts'

const tags = ['learning']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { learning, cachedProgress } = app

  app.get(
    '/me/courses',
    {
      schema: {
        tags,
        summary: 'The courses one is enrolled in',
        querystring: queryOf(pageQuery),
        response: { 200: EnrolledCoursePage, ...errors(400, 401, 429, 503) }
      }
    },
    async (request) => learning.courses(request.signedIn(), request.query)
  )

  app.get(
    '/me/progress',
    {
      schema: {
        tags,
        summary: 'The own progress in every course',
        querystring: noQuery,
        response: { 200: ProgressList, ...errors(400, 401, 429, 503) }
      }
    },
    async (request) => learning.allProgress(request.signedIn().id)
  )

  app.get(
    '/me/progress/:courseId',
    {
      schema: {
        tags,
        summary: 'The own progress in a course',
        params: ProgressParams,
        querystring: noQuery,
        response: { 200: Progress, 304: NotModified, ...errors(400, 401, 404, 429, 503) }
      }
    },
    async (request, reply) => {
      const { id } = request.signedIn()
      const { courseId } = request.params
      reply.sendOwn(await cachedProgress.read(id, courseId, request.trace))
      return reply
    }
  )

  app.put(
    '/me/progress/:courseId/chapters/:chapterId',
    {
      schema: {
        tags,
        summary: 'Mark a chapter as completed, or not',
        params: CompletionParams,
        body: Completion,
        response: { 200: Progress, ...errors(400, 401, 404, 409, 415, 429, 503) }
      }
    },
    async (request) => {
      const account = request.signedIn()
      const { id } = account
      const { courseId, chapterId } = request.params
      await learning.complete(account, courseId, chapterId, request.body.completed)
      return cachedProgress.read(id, courseId, request.trace)
    }
  )
}

export default routes
