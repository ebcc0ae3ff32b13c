import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { AuthoredQuery, CoursePage } from '#courses/shapes.ts'
import { abortOnHangUp } from '#plugins/app/hang-up.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { ownCourses } = app

  app.get(
    '',
    {
      schema: {
        tags: ['authoring'],
        operationId: 'listAuthoredCourses',
        summary: 'The courses that the user has written, including drafts',
        querystring: AuthoredQuery,
        response: { 200: CoursePage }
      }
    },
    async (request, reply) => ownCourses.page(request.signedIn().id, request.query, abortOnHangUp(reply))
  )
}

export default routes
