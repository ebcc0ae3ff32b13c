import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Course, CourseParams } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { authoring } = app

  app.post(
    '',
    {
      config: { entityTag: true, sends: ['Location'] },
      schema: {
        tags: ['authoring'],
        operationId: 'duplicateCourse',
        summary: 'Copy a course into a new draft',
        description: 'For its author and for admins, who own the copy.',
        params: CourseParams,
        response: { 201: Course, ...errors(404, 409) }
      }
    },
    async (request, reply) => {
      const course = await authoring.duplicateCourse(request.signedIn(), request.params.id)
      return reply.code(201).locate(`/api/v1/courses/${course.id}`).send(course)
    }
  )
}

export default routes
