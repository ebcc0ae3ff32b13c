import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { specs } from '../../../../src/cache/keys.ts'
import { normalizeCourseQuery } from '../../../../src/catalogue/catalogue.ts'
import {
  Chapter,
  ChapterParams,
  Course,
  CoursePage,
  CourseParams,
  CourseQuery,
  ModuleList
} from '../../../../src/catalogue/shapes.ts'
import { ErrorBody } from '../../../../src/errors.ts'
import { noQuery } from '../../../../src/paging.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { catalogue } = app

  app.get(
    '',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Published courses',
        querystring: CourseQuery,
        response: { 200: CoursePage, 400: ErrorBody }
      }
    },
    (request, reply) => {
      const query = normalizeCourseQuery(request.query)
      return reply.sendCached(specs.courseList(query), () => catalogue.courses(query))
    }
  )

  app.get(
    '/:id',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'A course with its modules and the titles of its chapters',
        params: CourseParams,
        querystring: noQuery,
        response: { 200: Course, 400: ErrorBody, 404: ErrorBody }
      }
    },
    ({ params: { id } }, reply) => reply.sendCached(specs.course(id), () => catalogue.course(id))
  )

  app.get(
    '/:id/modules',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'The modules of a course',
        params: CourseParams,
        querystring: noQuery,
        response: { 200: ModuleList, 400: ErrorBody, 404: ErrorBody }
      }
    },
    ({ params: { id } }, reply) => reply.sendCached(specs.courseModules(id), () => catalogue.modules(id))
  )

  app.get(
    '/:id/chapters/:chapterId',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'A chapter with its content',
        params: ChapterParams,
        querystring: noQuery,
        response: { 200: Chapter, 400: ErrorBody, 404: ErrorBody }
      }
    },
    ({ params: { id, chapterId } }, reply) =>
      reply.sendCached(specs.chapter(id, chapterId), () => catalogue.chapter(id, chapterId))
  )
}

export default routes
