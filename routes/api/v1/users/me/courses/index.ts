import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { pageQuery, queryOf } from '#http/paging.ts'
import { EnrolledCoursePage } from '#learning/shapes.ts'
import { hangUp } from '#plugins/app/hang-up.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { learning } = app

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
}

export default routes
