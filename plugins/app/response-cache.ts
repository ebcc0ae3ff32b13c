import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import type { Static, TObject, TSchema } from 'typebox'
import type { CacheSpec, DependOn } from '#cache'
import { bodyOf, type Entry, etagOf, isNegative, matchesEtag } from '#cache'
import type { Precondition } from '#courses/precondition.ts'
import { NotFoundError } from '#http/errors.ts'
import { JSON_TYPE, PUBLIC } from '#http/response-head.ts'
import type { Account } from '#users/accounts.ts'

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Answers from the cache, or with what `load` resolves to, serialized once by the route's response schema
     * and shared by all who ask for it meanwhile. `If-None-Match` is answered from the same entry.
     * What the public does not find, `loadOwn` may, for who is signed in: his alone, and never cached.
     */
    sendCached(
      spec: CacheSpec,
      load: (dependOn: DependOn) => Promise<unknown>,
      loadOwn?: (account: Account) => Promise<unknown>
    ): void
    /** Answers with what belongs to who is signed in, with an entity tag, not to be kept by anybody else. */
    sendOwn(payload: unknown): void
    /** What `If-Match` of the request asks of a thing that is answered in this schema. */
    precondition<T extends TObject>(schema: T): Precondition<Static<T>>
  }
}

const PRIVATE = 'private, no-cache'

/** Answers with entity tags, from the cache where they are public. */
export default fp(
  async (app) => {
    const { cache } = app

    function sendPublic(reply: FastifyReply, entry: Entry): void {
      send(reply, entry.etag, PUBLIC, () => bodyOf(entry))
    }

    function send(reply: FastifyReply, etag: string, cacheControl: string, body: () => string | Buffer): void {
      const { trace, headers, method } = reply.request
      reply.header('X-Cache', trace.outcome).header('ETag', etag).header('Cache-Control', cacheControl)
      const read = method === 'GET' || method === 'HEAD'
      if (read && matchesEtag(headers['if-none-match'], etag)) reply.code(304).send()
      else reply.type(JSON_TYPE).send(body())
    }

    const serializers = new Map<TSchema, (payload: Record<string, unknown>) => string>()
    app.decorateReply('precondition', function (schema) {
      return {
        ifMatch: this.request.headers['if-match'],
        etagOf: (current) => {
          const serialize = serializers.get(schema) ?? this.compileSerializationSchema({ ...schema })
          serializers.set(schema, serialize)
          return etagOf(serialize(current))
        }
      }
    })

    app.decorateReply('sendOwn', function (payload) {
      this.request.trace.outcome = 'BYPASS'
      const text = String(this.serialize(payload))
      send(this, etagOf(text), PRIVATE, () => text)
    })

    app.decorateReply('sendCached', function (spec, load, loadOwn) {
      const { trace, account } = this.request
      const copy = cache.peek(spec)
      if (copy !== null) cache.countHit(spec, trace)
      if (copy !== null && !isNegative(copy)) return sendPublic(this, copy)
      const fail = (error: unknown) => {
        this.header('X-Cache', trace.outcome).send(error)
      }
      const notFound = (error: unknown) => {
        if (!(error instanceof NotFoundError) || account === null || loadOwn === undefined) return fail(error)
        loadOwn(account).then((payload) => this.sendOwn(payload), fail)
      }
      if (copy !== null) return notFound(new NotFoundError(copy.value))
      cache
        .fetch(spec, async (dependOn) => String(this.serialize(await load(dependOn))), trace)
        .then((entry) => sendPublic(this, entry), notFound)
        .catch(fail)
    })
  },
  { name: 'response-cache', dependencies: ['cache', 'request-trace', 'identity'] }
)
