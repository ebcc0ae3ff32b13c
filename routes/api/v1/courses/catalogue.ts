import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { specs } from '#courses/cache-specs.ts'
import { normalizeCourseQuery, visibleTo } from '#courses/catalogue.ts'
import { Chapter, ChapterParams, Course, CoursePage, CourseParams, CourseQuery, ModuleList } from '#courses/shapes.ts'
import { ErrorBody } from '#http/errors.ts'
import { noQuery } from '#http/paging.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { catalogue } = app

  app.get(
    '',
    {
      config: { public: true },
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
      config: { public: true },
      schema: {
        tags: ['catalogue'],
        summary: 'A course with its modules and the titles of its chapters',
        params: CourseParams,
        querystring: noQuery,
        response: { 200: Course, 400: ErrorBody, 404: ErrorBody }
      }
    },
    ({ params: { id } }, reply) =>
      reply.sendCached(
        specs.course(id),
        (dependOn) => catalogue.coursePage(id, dependOn),
        (account) => catalogue.course(id, visibleTo(account))
      )
  )

  app.get(
    '/:id/modules',
    {
      config: { public: true },
      schema: {
        tags: ['catalogue'],
        summary: 'The modules of a course',
        params: CourseParams,
        querystring: noQuery,
        response: { 200: ModuleList, 400: ErrorBody, 404: ErrorBody }
      }
    },
    ({ params: { id } }, reply) =>
      reply.sendCached(
        specs.courseModules(id),
        () => catalogue.modules(id),
        (account) => catalogue.modules(id, visibleTo(account))
      )
  )

  app.get(
    '/:id/chapters/:chapterId',
    {
      config: { public: true },
      schema: {
        tags: ['catalogue'],
        summary: 'A chapter with its content',
        params: ChapterParams,
        querystring: noQuery,
        response: { 200: Chapter, 400: ErrorBody, 404: ErrorBody }
      }
    },
    ({ params: { id, chapterId } }, reply) =>
      reply.sendCached(
        specs.chapter(id, chapterId),
        () => catalogue.chapter(id, chapterId),
        (account) => catalogue.chapter(id, chapterId, visibleTo(account))
      )
  )
}

export default routes
