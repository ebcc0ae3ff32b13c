/**
 * A Fastify server without plugins. The first argument says how its only route, /course, gets its response. `--server`,
 * `--headers` and `--log` add parts of this service, to measure what each costs.
 */
import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { parseArgs, promisify } from 'node:util'
import Fastify, { LogController } from 'fastify'
import { Redis } from 'ioredis'
import { createHttpServer } from '../../src/http/server.ts'
import { logStream } from '../../src/logging/log-stream.ts'
import { load, text } from './course.ts'

const TTL_MS = 600_000
const json = 'application/json; charset=utf-8'
const redis = () => new Redis(process.env.REDIS_URL ?? '', { enableAutoPipelining: true })

type Answer = () => Promise<string | object> | string

const answers: Record<string, () => Promise<Answer>> = {
  'fixed string': async () => () => text,
  'one Redis GET': async () => {
    const client = redis()
    await client.set('bench:course', text)
    return async () => (await client.get('bench:course')) ?? ''
  },
  'naive cache-aside': async () => {
    const client = redis()
    return async () => {
      const kept = await client.get('bench:naive')
      if (kept !== null) return JSON.parse(kept)
      const value = await load()
      await client.set('bench:naive', JSON.stringify(value), 'PX', TTL_MS)
      return value
    }
  },
  bentocache: async () => {
    const { BentoCache, bentostore } = await import('bentocache')
    const { memoryDriver } = await import('bentocache/drivers/memory')
    const store = bentostore().useL1Layer(memoryDriver({ maxItems: 10_000 }))
    const cache = new BentoCache({ default: 'memory', stores: { memory: store } })
    return () => cache.getOrSet({ key: 'course', ttl: TTL_MS, factory: load })
  },
  'async-cache-dedupe': async () => {
    const { createCache } = await import('async-cache-dedupe')
    const cache = createCache({ ttl: 600, storage: { type: 'memory' } }).define('course', load)
    return () => cache.course()
  },
  '@fastify/caching': async () => {
    const { default: caching } = await import('@fastify/caching')
    await app.register(caching)
    const kept = promisify<string, { item: object } | null>(app.cache.get.bind(app.cache))
    return async () => {
      const hit = await kept('course')
      if (hit !== null) return hit.item
      const value = await load()
      app.cache.set('course', value, TTL_MS, () => {})
      return value
    }
  },
  'cache-manager': async () => {
    const { createCache } = await import('cache-manager')
    const cache = createCache({ ttl: TTL_MS })
    return () => cache.wrap('course', load)
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { server: { type: 'boolean' }, headers: { type: 'boolean' }, log: { type: 'boolean' } }
})
const [name = ''] = positionals
const limits = {
  maxConnections: 0,
  maxConnectionsPerAddress: 0,
  requestTimeoutMs: 30_000,
  sendTimeoutMs: 30_000,
  addressKey: () => null
}
const app = Fastify({
  ...(values.server && { serverFactory: (handler: RequestListener) => createHttpServer(handler, limits, () => {}) }),
  ...(values.log && {
    logger: { stream: logStream },
    logController: new LogController({ disableRequestLogging: true })
  })
})
if (values.headers) {
  const headers: Record<string, string> = JSON.parse(await readFile(process.env.HEADERS_FILE ?? '', 'utf8'))
  app.addHook('onSend', (_request, reply, payload, done) => {
    reply.headers(headers)
    done(null, payload)
  })
}
if (values.log) {
  app.addHook('onResponse', ({ id, method, url, routeOptions }, reply, done) => {
    const line = {
      requestId: id,
      method,
      url,
      route: routeOptions.url,
      status: reply.statusCode,
      ms: reply.elapsedTime
    }
    app.log.info(line, 'request')
    done()
  })
}
const answer = await answers[name]?.()
if (answer === undefined) throw new Error(`no server "${name}": ${Object.keys(answers).join(', ')}`)
app.get('/course', async (_request, reply) => {
  const body = await answer()
  if (typeof body === 'string') reply.type(json)
  return body
})
console.log(`Server listening at ${await app.listen({ port: 0, host: '127.0.0.1' })}`)
