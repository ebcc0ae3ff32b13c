import { isUtf8 } from 'node:buffer'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { MAX_FILE_BYTES } from '#courses/course-file.ts'
import { Course } from '#courses/shapes.ts'
import { ApiError, errors } from '#http/errors.ts'

/** Room for everything but the texts of chapters, which the quota counts. */
const MAX_METADATA_BYTES = 1024 * 1024

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { bytes } = app.config.quota
  const bodyLimit = Math.min(MAX_FILE_BYTES, bytes || MAX_FILE_BYTES) + MAX_METADATA_BYTES

  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'text/markdown',
    { parseAs: 'buffer', bodyLimit },
    async (request: FastifyRequest, body: Buffer) => {
      const { headers } = request
      const charset = /;\s*charset="?([^";]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8'
      if (!/^utf-?8$/i.test(charset)) throw notMarkdown()
      if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity') {
        throw new ApiError(415, 'ENCODED_BODY', 'send the body without Content-Encoding', {
          'Accept-Encoding': 'identity'
        })
      }
      if (!isUtf8(body)) throw new ApiError(400, 'MALFORMED_BODY', 'the body is not UTF-8')
      return body.toString()
    }
  )
  app.addContentTypeParser('*', (_request, _payload, done) => done(notMarkdown()))

  app.post(
    '',
    {
      config: { entityTag: true },
      preParsing: app.limitTransfers,
      bodyLimit,
      schema: {
        tags: ['authoring'],
        operationId: 'importCourse',
        summary: 'Import a Markdown file as a new draft',
        description:
          'Takes an export, or any text with `#`, `##` and `###` headings: see docs/export.md. If a line is invalid, nothing is imported, and ' +
          'the message names the line.',
        consumes: ['text/markdown'],
        body: Type.String({ minLength: 1, description: 'Markdown, UTF-8' }),
        response: { 201: Course, ...errors(409) }
      }
    },
    async (request, reply) => {
      const course = await app.courseFiles.import(request.signedIn(), request.body)
      return reply.code(201).locate(`/api/v1/courses/${course.id}`).send(course)
    }
  )
}

function notMarkdown(): ApiError {
  return new ApiError(415, 'NOT_MARKDOWN', 'send Content-Type: text/markdown, in UTF-8')
}

export default routes
