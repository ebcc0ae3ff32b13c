import fp from 'fastify-plugin'
import { Cache } from '../src/cache/cache.ts'
import { MemoryStore } from '../src/cache/memory-store.ts'
import { RedisStore } from '../src/cache/redis-store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly cache: Cache
  }
}

/** The coherent cache, on Redis where there is one, else in this process. */
export default fp(
  async (app) => {
    const { cache, redis } = app.config
    const store = app.redis === null ? new MemoryStore(cache.l1MaxBytes) : new RedisStore(app.redis, redis.keyPrefix)
    app.decorate('cache', new Cache({ ...cache, store, log: app.log }))
  },
  { name: 'cache', dependencies: ['redis'] }
)
