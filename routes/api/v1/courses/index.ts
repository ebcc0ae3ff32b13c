import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { NewCourse } from '#courses/authoring-shapes.ts'
import { specs } from '#courses/cache-specs.ts'
import { normalizeCourseQuery } from '#courses/catalogue.ts'
import { Course, CoursePage, CourseQuery } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { cachedByQuery } from '#plugins/app/cached-routes.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { courseLists, authoring } = app

  app.get(
    '',
    {
      config: {
        public: true,
        cache: cachedByQuery(CourseQuery, {
          spec: (query) => specs.courseList(normalizeCourseQuery(query)),
          frontDoor: true
        })
      },
      schema: {
        tags: ['catalogue'],
        operationId: 'listCourses',
        summary: 'Published courses',
        description:
          'Pages and total cover the first 10,000 courses of a list, and the first 1,000 results of a search. ' +
          'If no course contains a word of the search, the word is treated as a typo. `highlight` shows the match of a search.',
        querystring: CourseQuery,
        response: { 200: CoursePage }
      }
    },
    async (request) => courseLists.page(normalizeCourseQuery(request.query), request.loadSignal)
  )

  app.post(
    '',
    {
      config: { sends: ['Location'], entityTag: true },
      schema: {
        tags: ['authoring'],
        operationId: 'createCourse',
        summary: 'Create a course as a draft',
        body: NewCourse,
        response: { 201: Course, ...errors(409) }
      }
    },
    async (request, reply) => {
      const course = await authoring.createCourse(request.signedIn(), request.body)
      return reply.code(201).locate(`/api/v1/courses/${course.id}`).send(course)
    }
  )
}

export default routes
