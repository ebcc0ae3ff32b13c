import fp from 'fastify-plugin'
import type { Cache } from '#cache'
import { createEmbeddedCache, createRedisCache, type RunningCache } from '#cache'
import { ownKeys } from '#cached-data/own-keys.ts'
import { CacheStoreTable } from '#database/cache-store.ts'
import { invalidateOnCommit } from '#database/commit-listener.ts'
import { loadErrors } from '#http/errors.ts'
import { InvalidationLog } from '#observability/invalidation-log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly coherentCache: Cache
    /** The parts of the cache that operators look at. */
    readonly cacheParts: RunningCache
    /** What this process has invalidated lately, and whose writes that were. */
    readonly invalidationLog: InvalidationLog
  }
}

/** How long a start waits for Redis; then it serves without, until Redis is there. */
const START_WAIT_MS = 1000

/** The coherent cache, on Redis where there is one, else in this process; every commit invalidates it. */
export default fp(
  async (app) => {
    const { config, database, log } = app
    const redis = app.redis.cache ?? null
    const replay = database.outbox.replay.bind(database.outbox)
    const embedded = config.databaseUrl === null
    const registry = new CacheStoreTable(database.sql, embedded)
    const observer = app.tracing?.cacheObserver ?? null
    const settings = { ...config.cache, ownKeys, errors: loadErrors, replay, registry, log, observer }
    const running =
      redis === null ? createEmbeddedCache(settings) : createRedisCache(redis, config.redis.keyPrefix, settings)
    const { cache, breaker } = running
    app.decorate('coherentCache', cache)
    app.decorate('cacheParts', running)
    if (redis === null && !embedded) {
      log.warn('the cache is in this process alone: no other can run on this database; set REDIS_URL for several')
    }
    const invalidations = new InvalidationLog()
    app.decorate('invalidationLog', invalidations)
    database.onCommit(invalidateOnCommit(cache, database.outbox, log, (tags, by) => invalidations.note(tags, by)))

    app.addHook('onClose', () => running.close())
    await running.start()
    // A Redis that is not there yet is not waited for twice: plugins/external/redis.ts has done that.
    const waited = new Promise((resolve) => setTimeout(resolve, START_WAIT_MS).unref())
    const trusted = breaker.probe()
    if (redis === null || redis.status === 'ready') await Promise.race([trusted, waited])
  },
  { name: 'cache', dependencies: ['redis', 'database'] }
)
