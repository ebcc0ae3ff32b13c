import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CourseChange, NewCourse } from '#courses/authoring-shapes.ts'
import { ifMatch } from '#courses/precondition.ts'
import { Course, CourseParams } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'

const tags = ['authoring']
const refusals = errors(400, 401, 403, 404, 412, 415, 429, 503)

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { authoring } = app

  app.post(
    '',
    {
      schema: {
        tags,
        summary: 'A new course, a draft',
        body: NewCourse,
        response: { 201: Course, ...errors(400, 401, 415, 429, 503) }
      }
    },
    async (request, reply) => {
      const course = await authoring.createCourse(request.signedIn(), request.body)
      return reply.code(201).header('Location', `/api/v1/courses/${course.id}`).send(course)
    }
  )

  app.patch(
    '/:id',
    {
      schema: {
        tags,
        summary: 'Change or publish a course',
        params: CourseParams,
        headers: ifMatch,
        body: CourseChange,
        response: { 200: Course, ...refusals }
      }
    },
    async (request, reply) => {
      reply.sendOwn(
        await authoring.changeCourse(request.signedIn(), request.params.id, request.body, reply.precondition(Course))
      )
      return reply
    }
  )

  app.delete(
    '/:id',
    {
      schema: {
        tags,
        summary: 'Delete a course with everything in it',
        params: CourseParams,
        headers: ifMatch,
        response: { 204: NoContent, ...refusals }
      }
    },
    async (request, reply) => {
      await authoring.deleteCourse(request.signedIn(), request.params.id, reply.precondition(Course))
      return reply.code(204).send(null)
    }
  )

  app.put(
    '/:id/enrollment',
    {
      schema: {
        tags: ['learning'],
        summary: 'Enroll in a course',
        params: CourseParams,
        response: { 204: NoContent, ...errors(400, 401, 404, 429, 503) }
      }
    },
    async (request, reply) => {
      await app.learning.enroll(request.signedIn(), request.params.id)
      return reply.code(204).send(null)
    }
  )

  app.delete(
    '/:id/enrollment',
    {
      schema: {
        tags: ['learning'],
        summary: 'Leave a course; its progress is forgotten',
        params: CourseParams,
        response: { 204: NoContent, ...errors(400, 401, 429, 503) }
      }
    },
    async (request, reply) => {
      await app.learning.leave(request.signedIn(), request.params.id)
      return reply.code(204).send(null)
    }
  )
}

export default routes
