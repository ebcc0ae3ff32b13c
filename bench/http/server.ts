/** A Fastify server with one route, /course, answered in the way that the first argument names; without any plugin. */
import { promisify } from 'node:util'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
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

const name = process.argv[2] ?? ''
const app = Fastify()
const answer = await answers[name]?.()
if (answer === undefined) throw new Error(`no server "${name}": ${Object.keys(answers).join(', ')}`)
app.get('/course', async (_request, reply) => {
  const body = await answer()
  if (typeof body === 'string') reply.type(json)
  return body
})
console.log(`Server listening at ${await app.listen({ port: 0, host: '127.0.0.1' })}`)
