import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CourseChange } from '#courses/authoring-shapes.ts'
import { specs } from '#courses/cache-specs.ts'
import { visibleTo } from '#courses/catalogue.ts'
import { Course, CourseParams } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'
import { ifMatch } from '#http/precondition.ts'
import { cachedByParams } from '#plugins/app/cached-routes.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { catalogue, authoring } = app

  app.get(
    '',
    {
      config: {
        public: true,
        cache: cachedByParams(CourseParams, {
          spec: ({ id }) => specs.course(id),
          own: ({ id }, account) => catalogue.course(id, visibleTo(account)),
          frontDoor: true
        })
      },
      schema: {
        tags: ['catalogue'],
        operationId: 'getCourse',
        summary: 'A course with its modules and the titles of its chapters',
        params: CourseParams,
        response: { 200: Course, ...errors(404) }
      }
    },
    async (request) => catalogue.coursePage(request.params.id, (tags) => request.dependOn(tags))
  )

  app.patch(
    '',
    {
      config: { entityTag: true },
      schema: {
        tags: ['authoring'],
        operationId: 'updateCourse',
        summary: 'Change or publish a course',
        description: 'Publishing answers 403 with the code AUTHORS_ONLY if only authors may publish.',
        params: CourseParams,
        headers: ifMatch,
        body: CourseChange,
        response: { 200: Course, ...errors(404, 409, 412) }
      }
    },
    async (request, reply) =>
      authoring.changeCourse(request.signedIn(), request.params.id, request.body, reply.precondition(Course))
  )

  app.delete(
    '',
    {
      schema: {
        tags: ['authoring'],
        operationId: 'deleteCourse',
        summary: 'Delete a course with everything in it',
        params: CourseParams,
        headers: ifMatch,
        response: { 204: NoContent, ...errors(404, 412) }
      }
    },
    async (request, reply) => {
      await authoring.deleteCourse(request.signedIn(), request.params.id, reply.precondition(Course))
      return reply.code(204).send(null)
    }
  )
}

export default routes
