import { once } from 'node:events'
import fp from 'fastify-plugin'
import type { Redis } from 'ioredis'
import { connectRedis } from '../src/redis.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The connection of the cache; null when REDIS_URL is not set. */
    readonly redis: Redis | null
  }
}

const START_WAIT_MS = 1000

/**
 * The connection to Redis. A start does not need it: what asks for it degrades until it is there.
 * (`@fastify/redis` holds the start up until Redis answers.)
 */
export default fp(
  async (app) => {
    const { url } = app.config.redis
    if (url === null) {
      app.decorate('redis', null)
      return
    }
    const redis = connectRedis(url)
    app.decorate('redis', redis)
    let failing = false
    redis.on('error', (err) => {
      // One line an outage, not one an attempt.
      if (!failing)
        app.log.error(
          { err },
          'Redis cannot be used: serving without it, retrying; check the server, and host, user and password in REDIS_URL'
        )
      failing = true
    })
    redis.on('ready', () => {
      if (failing) app.log.info('Redis answers again')
      failing = false
    })
    app.addHook('onClose', async () => redis.disconnect())
    await once(redis, 'ready', { signal: AbortSignal.timeout(START_WAIT_MS) }).catch(() => {})
  },
  { name: 'redis' }
)
