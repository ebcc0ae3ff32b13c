import { once } from 'node:events'
import fp from 'fastify-plugin'
import { connectRedis, type RedisClient } from '#redis/connect.ts'
import { closeRedis, REVIVED } from '#redis/watchdog.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The connections of cache, sessions and limits: one where they share a URL, null where there is none. */
    readonly redis: Readonly<Record<'cache' | 'session' | 'limit', RedisClient | null>>
  }
}

const START_WAIT_MS = 1000

/**
 * The connections to Redis. A start does not need them: what asks for one degrades until it is there.
 * (`@fastify/redis` holds the start up until Redis answers.)
 */
export default fp(
  async (app) => {
    const { url, sessionUrl, limitUrl } = app.config.redis
    const connections = new Map<string, RedisClient>()
    const connection = (url: string | null): RedisClient | null => {
      if (url === null) return null
      const redis = connections.get(url) ?? connectRedis(url)
      connections.set(url, redis)
      return redis
    }
    app.decorate('redis', { cache: connection(url), session: connection(sessionUrl), limit: connection(limitUrl) })

    for (const redis of connections.values()) {
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
      redis.on(REVIVED, (err: Error) =>
        app.log.warn({ err }, 'connecting to Redis again; if this repeats, check the server and the network to it')
      )
      redis.on('ready', () => {
        if (failing) app.log.info('Redis answers again')
        failing = false
      })
    }
    app.addHook('onClose', async () => {
      for (const redis of connections.values()) closeRedis(redis)
    })
    const ready = [...connections.values()].map((redis) =>
      once(redis, 'ready', { signal: AbortSignal.timeout(START_WAIT_MS) })
    )
    await Promise.allSettled(ready)
  },
  { name: 'redis' }
)
