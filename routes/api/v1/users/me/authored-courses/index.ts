import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { AuthoredQuery, CoursePage } from '#courses/shapes.ts'
import { hangUp } from '#plugins/app/hang-up.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { ownCourses } = app

  app.get(
    '',
    {
      schema: {
        tags: ['authoring'],
        operationId: 'listAuthoredCourses',
        summary: 'The courses that one has written, drafts too',
        querystring: AuthoredQuery,
        response: { 200: CoursePage }
      }
    },
    async (request, reply) => ownCourses.page(request.signedIn().id, request.query, hangUp(reply))
  )
}

export default routes
