import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ApiError } from '#http/errors.ts'
import { queryOf } from '#http/paging.ts'
import { requireRedis } from '#http/require-redis.ts'
import { Pattern } from '#observability/browse-shapes.ts'
import { AdminReport } from '#observability/report-shapes.ts'
import { accessOf } from '#plugins/app/admin-link.ts'

const tags = ['administration']

/** The cache, for admins: the data of the page `/admin/redis-stats/`. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { coherentCache: cache } = app

  app.get(
    '',
    {
      config: { role: 'admin', adminLink: true },
      schema: {
        tags,
        operationId: 'getCacheReport',
        summary: 'Report on the cache in all processes',
        response: { 200: AdminReport }
      }
    },
    async (request) => ({ ...(await app.cacheReport()), access: accessOf(request) })
  )

  app.get(
    '/matching',
    {
      config: { role: 'admin', adminLink: true },
      schema: {
        tags,
        operationId: 'countMatchingKeys',
        summary: 'How many keys a pattern would clear',
        querystring: queryOf({ pattern: Pattern }),
        response: { 200: Type.Object({ matching: Type.Integer() }) }
      }
    },
    async (request) => ({ matching: await requireRedis(cache.countPattern(request.query.pattern)) })
  )

  app.delete(
    '',
    {
      config: { role: 'admin' },
      schema: {
        tags,
        operationId: 'clearCache',
        summary: 'Clear all cached data, or the keys that match a pattern; sessions, limits and jobs stay',
        querystring: queryOf({ pattern: Type.Optional(Pattern), all: Type.Optional(Type.Boolean()) }),
        response: { 200: Type.Object({ deleted: Type.Integer() }) }
      }
    },
    async (request) => {
      const { pattern, all = false } = request.query
      if (all === (pattern !== undefined)) {
        throw new ApiError(400, 'VALIDATION_FAILED', 'give either pattern or all=true')
      }
      // Patterns match cached data only.
      const deleted = await requireRedis(cache.clearPattern(pattern ?? '*'))
      const cleared = { pattern: pattern ?? 'all', deleted }
      request.auditDetails = { audit: 'cache cleared', ...cleared }
      await app.noteClearing({ at: new Date().toISOString(), by: nameOf(request), ...cleared })
      app.recountKeys()
      return { deleted }
    }
  )
}

function nameOf({ account, token }: FastifyRequest): string {
  const email = account?.email ?? ''
  return token === null ? email : `${email}, access token ${token.id}`
}

export default routes
