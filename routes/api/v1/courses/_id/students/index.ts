import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CourseParams } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { pageQuery, queryOf } from '#http/paging.ts'
import { StudentPage } from '#learning/shapes.ts'
import { abortOnHangUp } from '#plugins/app/hang-up.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { students } = app

  app.get(
    '',
    {
      schema: {
        tags: ['learning'],
        operationId: 'listStudents',
        summary: 'The students of a course, with their progress',
        description: 'For its author and for admins. Pages cover the latest 10,000 enrollments.',
        params: CourseParams,
        querystring: queryOf(pageQuery),
        response: { 200: StudentPage, ...errors(404) }
      }
    },
    async (request, reply) => students.page(request.signedIn(), request.params.id, request.query, abortOnHangUp(reply))
  )
}

export default routes
