import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { specs } from '#courses/cache-specs.ts'
import { visibleTo } from '#courses/catalogue.ts'
import { Course, SlugParams } from '#courses/shapes.ts'
import { errors } from '#http/errors.ts'
import { Moved } from '#http/no-content.ts'
import { cachedByFound } from '#plugins/app/cached-routes.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The id of the course with the slug in the path; 0, which no course has, if there is none. */
    courseId: number
  }
}

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { catalogue, courseSlugs } = app
  app.decorateRequest('courseId', 0)

  /**
   * A course page is one cache entry for both of its URLs. An unknown slug takes the same path as a draft, so that both
   * give the same 404.
   */
  async function find({ slug }: { slug: string }, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const found = await courseSlugs.find(slug, request.account, request.trace)
    if (found === null) return
    if (found.slug === slug) {
      request.courseId = found.id
      reply.contentLocation(`/api/v1/courses/${found.id}`)
    } else {
      // Stays `no-store`, the default: another course may get this slug.
      await reply.code(301).locate(`/api/v1/courses/by-slug/${found.slug}`).send()
    }
  }

  app.get(
    '/:slug',
    {
      config: {
        public: true,
        sends: ['Content-Location'],
        cache: cachedByFound(SlugParams, find, (request) => request.courseId, {
          spec: (id) => specs.course(id),
          own: (id, account) => catalogue.course(id, visibleTo(account))
        })
      },
      schema: {
        tags: ['catalogue'],
        operationId: 'getCourseBySlug',
        summary: 'A course by its slug; same answer as by its id',
        description: 'A former slug of the course redirects (301) to its current one.',
        params: SlugParams,
        response: { 200: Course, 301: Moved, ...errors(404) }
      }
    },
    async (request) => catalogue.coursePage(request.courseId, (tags) => request.dependOn(tags))
  )
}

export default routes
