import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CourseParams } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'

const tags = ['learning']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { learning } = app

  app.put(
    '',
    {
      schema: {
        tags,
        operationId: 'enroll',
        summary: 'Enroll in a course',
        description: 'Answers 409 QUOTA_ENROLLMENTS if the account has reached its limit of enrollments.',
        params: CourseParams,
        response: { 204: NoContent, ...errors(404, 409) }
      }
    },
    async (request, reply) => {
      await learning.enroll(request.signedIn(), request.params.id)
      return reply.code(204).send(null)
    }
  )

  app.delete(
    '',
    {
      schema: {
        tags,
        operationId: 'leaveCourse',
        summary: 'Leave a course; the progress is deleted',
        params: CourseParams,
        response: { 204: NoContent }
      }
    },
    async (request, reply) => {
      await learning.leave(request.signedIn(), request.params.id)
      return reply.code(204).send(null)
    }
  )
}

export default routes
