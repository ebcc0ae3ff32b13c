import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { inspect } from '#cache'
import { errors, NotFoundError } from '#http/errors.ts'
import { requireRedis } from '#http/require-redis.ts'
import { CacheEntry, EntryQuery, inSeconds } from '#observability/browse-shapes.ts'

const tags = ['administration']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { coherentCache: cache, cacheParts } = app

  app.get(
    '',
    {
      config: { role: 'admin', adminLink: true },
      schema: {
        tags,
        operationId: 'getCacheEntry',
        summary: 'The cached entry of a key, and whether it is valid',
        querystring: EntryQuery,
        response: { 200: CacheEntry, ...errors(404) }
      }
    },
    async (request) => {
      const entry = await requireRedis(inspect(cacheParts.store, request.query.key))
      if (entry === null) throw new NotFoundError('entry')
      const { ttlMs, storedAt, ...shown } = entry
      return { ...shown, ttlS: inSeconds(ttlMs), storedAt: storedAt?.toISOString() ?? null }
    }
  )

  app.delete(
    '',
    {
      config: { role: 'admin' },
      schema: {
        tags,
        operationId: 'deleteCacheEntry',
        summary: 'Delete the cached entry of a key, in all processes',
        querystring: EntryQuery,
        response: { 200: Type.Object({ deleted: Type.Integer({ minimum: 0, maximum: 1 }) }) }
      }
    },
    async (request) => {
      const { key } = request.query
      const deleted = await requireRedis(cache.delete([key]))
      request.auditDetails = { audit: 'cache cleared', pattern: key, deleted }
      return { deleted }
    }
  )
}

export default routes
