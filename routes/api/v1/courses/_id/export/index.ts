import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { create as contentDisposition } from 'content-disposition'
import { Type } from 'typebox'
import { visibleTo } from '#courses/catalogue.ts'
import { writeCourseFile } from '#courses/course-file.ts'
import { CourseParams } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { abortOnHangUp } from '#plugins/app/hang-up.ts'

const Markdown = { content: { 'text/markdown': { schema: Type.String({ description: 'docs/export.md' }) } } }

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { courseFiles } = app

  app.get(
    '',
    {
      config: { public: true, entityTag: true },
      preHandler: app.limitTransfers,
      schema: {
        tags: ['catalogue'],
        operationId: 'exportCourse',
        summary: 'Download a whole course as Markdown',
        description:
          'For everybody who may read the course; `POST /courses/import` imports it. Not cached. Answers 409 FILE_TOO_LARGE above 16 MiB of text.',
        params: CourseParams,
        response: { 200: Markdown, ...errors(404, 409) }
      }
    },
    async ({ params: { id }, account }, reply) => {
      const course = await courseFiles.read(id, account === null ? undefined : visibleTo(account), abortOnHangUp(reply))
      // Without characters that some system forbids in file names.
      const name =
        course.title
          .replace(/[\p{C}\\/:*?"<>|]+/gu, ' ')
          .trim()
          .slice(0, 100)
          .toWellFormed() || 'course'
      reply.header('Content-Disposition', contentDisposition(`${name}.md`, { fallback: `${course.slug}.md` }))
      return reply.type('text/markdown; charset=utf-8').send(writeCourseFile(course))
    }
  )
}

export default routes
