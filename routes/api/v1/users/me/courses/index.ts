import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '#http/errors.ts'
import { pageQuery, queryOf } from '#http/paging.ts'
import { EnrolledCoursePage, OwnEnrollment, ProgressParams } from '#learning/shapes.ts'
import { abortOnHangUp } from '#plugins/app/hang-up.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { learning, cachedProgress } = app

  app.get(
    '',
    {
      schema: {
        tags: ['learning'],
        operationId: 'listEnrolledCourses',
        summary: 'The courses that the user is enrolled in',
        querystring: queryOf(pageQuery),
        response: { 200: EnrolledCoursePage }
      }
    },
    async (request, reply) => learning.courses(request.signedIn(), request.query, abortOnHangUp(reply))
  )

  app.get(
    '/:courseId',
    {
      config: { entityTag: true },
      schema: {
        tags: ['learning'],
        operationId: 'getOwnEnrollment',
        summary: 'Whether the user is enrolled in a course, and the progress',
        description: 'Complements the page of the course, which is the same for everybody.',
        params: ProgressParams,
        response: { 200: OwnEnrollment, ...errors(404) }
      }
    },
    async (request) => cachedProgress.enrollment(request.signedIn(), request.params.courseId, request.trace)
  )
}

export default routes
