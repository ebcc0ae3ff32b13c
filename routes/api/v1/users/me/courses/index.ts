import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '#http/errors.ts'
import { pageQuery, queryOf } from '#http/paging.ts'
import { EnrolledCoursePage, OwnEnrollment, ProgressParams } from '#learning/shapes.ts'
import { hangUp } from '#plugins/app/hang-up.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { learning, cachedProgress } = app

  app.get(
    '',
    {
      schema: {
        tags: ['learning'],
        operationId: 'listEnrolledCourses',
        summary: 'The courses one is enrolled in',
        querystring: queryOf(pageQuery),
        response: { 200: EnrolledCoursePage }
      }
    },
    async (request, reply) => learning.courses(request.signedIn(), request.query, hangUp(reply))
  )

  app.get(
    '/:courseId',
    {
      config: { entityTag: true },
      schema: {
        tags: ['learning'],
        operationId: 'getOwnEnrollment',
        summary: 'Whether one is enrolled in a course, and how far one is',
        description: 'Beside the page of the course, which is the same for everybody.',
        params: ProgressParams,
        response: { 200: OwnEnrollment, ...errors(404) }
      }
    },
    async (request) => cachedProgress.enrollment(request.signedIn(), request.params.courseId, request.trace)
  )
}

export default routes
