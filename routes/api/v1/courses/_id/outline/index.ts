import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Outline } from '#courses/authoring-shapes.ts'
import { Course, CourseParams } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { ifMatch } from '#http/precondition.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { authoring } = app

  app.put(
    '',
    {
      config: { entityTag: true },
      schema: {
        tags: ['authoring'],
        operationId: 'arrangeCourse',
        summary: 'Put all modules and chapters of a course into a new order',
        description:
          'Must name each of them exactly once, or it answers 409 OUTLINE_INCOMPLETE. Chapters may move to other modules.',
        params: CourseParams,
        headers: ifMatch,
        body: Outline,
        response: { 200: Course, ...errors(404, 409, 412) }
      }
    },
    async (request, reply) =>
      authoring.arrangeCourse(request.signedIn(), request.params.id, request.body, reply.precondition(Course))
  )
}

export default routes
