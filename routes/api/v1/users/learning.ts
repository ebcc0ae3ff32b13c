import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '../../../../src/errors.ts'
import { NotModified } from '../../../../src/no-content.ts'
import { noQuery, pageQuery, queryOf } from '../../../../src/paging.ts'
import {
  Completion,
  CompletionParams,
  EnrolledCoursePage,
  Progress,
  ProgressList,
  ProgressParams
} from '../../../../src/progress/shapes.ts'

const tags = ['learning']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { learning, userCache } = app

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
      reply.sendOwn(await userCache.progress(id, courseId, () => learning.progress(id, courseId), request.trace))
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
      return userCache.progress(id, courseId, () => learning.progress(id, courseId), request.trace)
    }
  )
}

export default routes
