import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { type Entry, isNegative } from '../src/cache/entry.ts'
import { matchesEtag } from '../src/cache/etag.ts'
import type { CacheSpec } from '../src/cache/keys.ts'
import { NotFoundError } from '../src/errors.ts'

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
    const { cache } = app

    function sendEntry(reply: FastifyReply, { etag, value }: Entry): void {
      const { trace, headers } = reply.request
      reply.header('X-Cache', trace.outcome).header('ETag', etag).header('Cache-Control', CACHE_CONTROL)
      if (matchesEtag(headers['if-none-match'], etag)) reply.code(304).send()
      else reply.type('application/json; charset=utf-8').send(value)
    }

    app.decorateReply('sendCached', function (spec, load) {
      const { trace } = this.request
      const copy = cache.peek(spec, trace)
      if (copy !== null && !isNegative(copy)) return sendEntry(this, copy)
      const fail = (error: unknown) => {
        this.header('X-Cache', trace.outcome).send(error)
      }
      if (copy !== null) return fail(new NotFoundError(copy.value))
      cache
        .fetch(spec, async () => String(this.serialize(await load())), trace)
        .then((entry) => sendEntry(this, entry))
        .catch(fail)
    })
  },
  { name: 'response-cache', dependencies: ['cache', 'timing'] }
)
