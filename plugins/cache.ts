import fp from 'fastify-plugin'
import type { Cache } from '../src/cache/cache.ts'
import { createEmbeddedCache, createRedisCache } from '../src/cache/create.ts'
import { invalidateOnCommit } from '../src/db/commit-listener.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly cache: Cache
  }
}

/** How long a start waits for Redis; then it serves without, until Redis is there. */
const START_WAIT_MS = 1000

/** The coherent cache, on Redis where there is one, else in this process; every commit invalidates it. */
export default fp(
  async (app) => {
    const { config, database, log } = app
    const redis = app.redis.cache
    const replay = database.outbox.replay.bind(database.outbox)
    const settings = { ...config.cache, replay, log }
    const running =
      redis === null ? createEmbeddedCache(settings) : createRedisCache(redis, config.redis.keyPrefix, settings)
    const { cache, breaker } = running
    app.decorate('cache', cache)
    database.onCommit(invalidateOnCommit(cache, database.outbox, log))

    const waited = new Promise((resolve) => setTimeout(resolve, START_WAIT_MS).unref())
    await Promise.race([breaker.probe(), waited])
    app.addHook('onClose', async () => running.close())
  },
  { name: 'cache', dependencies: ['redis', 'database'] }
)
