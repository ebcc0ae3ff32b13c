import fp from 'fastify-plugin'
import type { CacheSpec } from '../src/cache/cache.ts'
import { matchesEtag } from '../src/cache/etag.ts'

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Answers from the cache, or with what `load` resolves to, serialized once by the route's response schema
     * and shared by all who ask for it meanwhile. `If-None-Match` is answered from the same entry.
     */
    sendCached(spec: CacheSpec, load: () => Promise<unknown>): void
  }
}

/** Clients may keep an answer, but ask before each use: a write is seen at once, and the question costs a 304. */
const CACHE_CONTROL = 'public, no-cache'

export default fp(
  async (app) => {
    app.decorateReply('sendCached', function (spec, load) {
      const { trace, headers } = this.request
      const missesBefore = trace.misses
      const serialized = async () => String(this.serialize(await load()))
      app.cache.fetch(spec, serialized, trace).then(
        (entry) => {
          this.header('X-Cache', trace.misses === missesBefore ? 'HIT' : 'MISS')
            .header('ETag', entry.etag)
            .header('Cache-Control', CACHE_CONTROL)
          if (matchesEtag(headers['if-none-match'], entry.etag)) this.code(304).send()
          else this.type('application/json; charset=utf-8').send(entry.value)
        },
        (error) => this.send(error)
      )
    })
  },
  { name: 'response-cache', dependencies: ['cache', 'timing'] }
)
