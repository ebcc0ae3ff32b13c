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
    /** The parts of the cache that are shown to operators. */
    readonly cacheParts: RunningCache
    /** The last invalidations by this process, and whose writes caused them. */
    readonly invalidationLog: InvalidationLog
  }
}

/** How long the start waits for Redis; after that, the service runs without Redis until it is available. */
const START_WAIT_MS = 1000

/** The coherent cache, in Redis if there is one, else in this process; every commit invalidates what it changed. */
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
      log.warn('the cache is only in this process: run no other process on this database, or set REDIS_URL')
    }
    const invalidations = new InvalidationLog()
    app.decorate('invalidationLog', invalidations)
    database.onCommit(invalidateOnCommit(cache, database.outbox, log, (tags, by) => invalidations.note(tags, by)))

    app.addHook('onClose', () => running.close())
    await running.start()
    // plugins/external/redis.ts has already waited for Redis; do not wait again if that failed.
    const waited = new Promise((resolve) => setTimeout(resolve, START_WAIT_MS).unref())
    const trusted = breaker.probe()
    if (redis === null || redis.status === 'ready') await Promise.race([trusted, waited])
  },
  { name: 'cache', dependencies: ['redis', 'database'] }
)
