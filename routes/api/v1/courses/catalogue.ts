import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { specs } from '#courses/cache-specs.ts'
import { normalizeCourseQuery, visibleTo } from '#courses/catalogue.ts'
import { Chapter, ChapterParams, Course, CoursePage, CourseParams, CourseQuery, ModuleList } from '#courses/shapes.ts'
import { ErrorBody } from '#http/errors.ts'
import { noQuery } from '#http/paging.ts'
import { cachedByParams, cachedByQuery } from '#plugins/app/cached-routes.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { catalogue } = app

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
        summary: 'Published courses',
        querystring: CourseQuery,
        response: { 200: CoursePage, 400: ErrorBody }
      }
    },
    async (request) => catalogue.courses(normalizeCourseQuery(request.query))
  )

  app.get(
    '/:id',
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
        summary: 'A course with its modules and the titles of its chapters',
        params: CourseParams,
        querystring: noQuery,
        response: { 200: Course, 400: ErrorBody, 404: ErrorBody }
      }
    },
    async (request) => catalogue.coursePage(request.params.id, (tags) => request.dependOn(tags))
  )

  app.get(
    '/:id/modules',
    {
      config: {
        public: true,
        cache: cachedByParams(CourseParams, {
          spec: ({ id }) => specs.courseModules(id),
          own: ({ id }, account) => catalogue.modules(id, visibleTo(account)),
          frontDoor: true
        })
      },
      schema: {
        tags: ['catalogue'],
        summary: 'The modules of a course',
        params: CourseParams,
        querystring: noQuery,
        response: { 200: ModuleList, 400: ErrorBody, 404: ErrorBody }
      }
    },
    async (request) => catalogue.modules(request.params.id)
  )

  app.get(
    '/:id/chapters/:chapterId',
    {
      config: {
        public: true,
        cache: cachedByParams(ChapterParams, {
          spec: ({ id, chapterId }) => specs.chapter(id, chapterId),
          own: ({ id, chapterId }, account) => catalogue.chapter(id, chapterId, visibleTo(account)),
          frontDoor: true
        })
      },
      schema: {
        tags: ['catalogue'],
        summary: 'A chapter with its content',
        params: ChapterParams,
        querystring: noQuery,
        response: { 200: Chapter, 400: ErrorBody, 404: ErrorBody }
      }
    },
    async ({ params: { id, chapterId } }) => catalogue.chapter(id, chapterId)
  )
}

export default routes
