import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ApiError } from '#http/errors.ts'
import { requireRedis } from '#http/require-redis.ts'
import { inSeconds, KeyPage, KeysQuery } from '#observability/browse-shapes.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { store } = app.cacheParts

  app.get(
    '',
    {
      config: { role: 'admin', adminLink: true },
      schema: {
        tags: ['administration'],
        operationId: 'listCacheKeys',
        summary: 'The keys of cached data, or those that match a pattern',
        querystring: KeysQuery,
        response: { 200: KeyPage }
      }
    },
    async (request) => {
      const { pattern = '*', cursor = null, limit } = request.query
      const { items, next } = await requireRedis(store.page(pattern, cursor, limit).catch(refuseCursor))
      return { items: items.map(({ key, bytes, ttlMs }) => ({ key, bytes, ttlS: inSeconds(ttlMs) })), nextCursor: next }
    }
  )
}

function refuseCursor(error: unknown): never {
  if (!(error instanceof RangeError)) throw error
  throw new ApiError(400, 'VALIDATION_FAILED', 'cursor must be the nextCursor of an earlier page')
}

export default routes
