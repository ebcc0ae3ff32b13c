import { once } from 'node:events'
import redis from '@fastify/redis'
import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import { connectRedis, type RedisClient } from '#redis/connect.ts'
import { closeRedis, REVIVED } from '#redis/watchdog.ts'

const START_WAIT_MS = 1000

/**
 * The Redis clients: `app.redis.cache`, `app.redis.session` and `app.redis.limit`. Namespaces with the same URL share a
 * client; one without a URL is absent. The service starts without Redis, and runs degraded until Redis is available.
 */
export default fp(
  async (app) => {
    const { url, sessionUrl, limitUrl } = app.config.redis
    const clients = new Map<string, RedisClient>()
    const namespaces: [string, RedisClient][] = []
    for (const [namespace, of] of Object.entries({ cache: url, session: sessionUrl, limit: limitUrl })) {
      if (of === null) continue
      const client = clients.get(of) ?? connectRedis(of)
      clients.set(of, client)
      namespaces.push([namespace, client])
    }
    for (const client of clients.values()) logOutages(client, app.log)
    // Not by `closeClient`: the watchdog would reconnect a client that has quit.
    app.addHook('onClose', async () => {
      for (const client of clients.values()) closeRedis(client)
    })

    // `once` rejects on an error event, so a failing client is not waited for.
    const signal = AbortSignal.timeout(START_WAIT_MS)
    await Promise.allSettled([...clients.values()].map((client) => once(client, 'ready', { signal })))

    app.decorate('redis', Object.create(null))
    for (const [namespace, client] of namespaces) {
      // The library would block the start until the client is ready, and quit one whose host name does not resolve yet.
      if (client.status === 'ready') await app.register(redis, { client, namespace, closeClient: false })
      else Object.assign(app.redis, { [namespace]: client })
    }
  },
  { name: 'redis' }
)

/** Logs one line per outage, not one per attempt to connect. */
function logOutages(client: RedisClient, log: FastifyBaseLogger): void {
  let failing = false
  client.on('error', (err) => {
    if (!failing)
      log.error(
        { err },
        'Redis is unavailable: serving without it, retrying; check the server, and host, user and password in REDIS_URL'
      )
    failing = true
  })
  client.on(REVIVED, (err: Error) =>
    log.warn({ err }, 'reconnecting to Redis; if this repeats, check the server and the network')
  )
  client.on('ready', () => {
    if (failing) log.info('Redis is available again')
    failing = false
  })
}
