import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '#http/errors.ts'
import { Completion, CompletionParams, Progress, ProgressList, ProgressParams } from '#learning/shapes.ts'
import { abortOnHangUp } from '#plugins/app/hang-up.ts'

const tags = ['learning']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { learning, cachedProgress } = app

  app.get(
    '',
    {
      schema: {
        tags,
        operationId: 'listProgress',
        summary: 'The progress of the user in all courses',
        description: 'Covers the newest 1,000 enrollments.',
        response: { 200: ProgressList }
      }
    },
    async (request, reply) => learning.allProgress(request.signedIn(), abortOnHangUp(reply))
  )

  app.get(
    '/:courseId',
    {
      config: { entityTag: true },
      schema: {
        tags,
        operationId: 'getProgress',
        summary: 'The progress of the user in a course',
        params: ProgressParams,
        response: { 200: Progress, ...errors(404) }
      }
    },
    async (request) => cachedProgress.read(request.signedIn(), request.params.courseId, request.trace)
  )

  app.put(
    '/:courseId/chapters/:chapterId',
    {
      schema: {
        tags,
        operationId: 'setChapterCompletion',
        summary: 'Mark a chapter as completed or not completed',
        params: CompletionParams,
        body: Completion,
        response: { 200: Progress, ...errors(404, 409) }
      }
    },
    async (request) => {
      const account = request.signedIn()
      const { courseId, chapterId } = request.params
      await learning.complete(account, courseId, chapterId, request.body.completed)
      return cachedProgress.read(account, courseId, request.trace)
    }
  )
}

export default routes
