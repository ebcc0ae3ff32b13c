import type { FastifyInstance, FastifyPluginAsync, FastifyPluginCallback } from 'fastify'
import access from './app/access.ts'
import answered from './app/answered.ts'
import cache from './app/cache.ts'
import closing from './app/closing.ts'
import database from './app/database.ts'
import docs from './app/docs.ts'
import domain from './app/domain.ts'
import entityTags from './app/entity-tags.ts'
import errors from './app/errors.ts'
import generation from './app/generation.ts'
import identity from './app/identity.ts'
import libraryHooks from './app/library-hooks.ts'
import metrics from './app/metrics.ts'
import query from './app/query.ts'
import rateLimit from './app/rate-limit.ts'
import redis from './app/redis.ts'
import requestLog from './app/request-log.ts'
import responseCache from './app/response-cache.ts'
import responseHead from './app/response-head.ts'
import schemaCompilers from './app/schema-compilers.ts'
import security from './app/security.ts'
import session from './app/session.ts'
import sse from './app/sse.ts'
import stats from './app/stats.ts'
import sweeper from './app/sweeper.ts'
import caching from './external/caching.ts'

/** All plugins, in the order in which their hooks run. The reason of each place is beside it. */
const plugins: readonly (FastifyPluginAsync | FastifyPluginCallback)[] = [
  schemaCompilers,
  libraryHooks,
  responseHead,
  errors,
  security,
  closing,
  redis,
  database,
  cache,
  sweeper,
  domain,
  session,
  identity,
  answered,
  rateLimit,
  // After the rate limit: a request that is refused is counted.
  access,
  caching,
  entityTags,
  responseCache,
  requestLog,
  query,
  sse,
  generation,
  stats,
  metrics,
  docs
]

export async function registerPlugins(app: FastifyInstance): Promise<void> {
  for (const plugin of plugins) await app.register(plugin)
}
