import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import type { Static, TObject, TSchema } from 'typebox'
import { encodedEtag, etagOf, namedEtag } from '#cache'
import type { ContentEncoding } from '#http/content-encoding.ts'
import { ApiError } from '#http/errors.ts'
import { ifMatch, type Precondition } from '#http/precondition.ts'
import { hookList } from './route-hooks.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer gets an entity tag, and shared caches may not keep it. */
    entityTag?: boolean
    /** `If-Match` is honoured: the route has the schema `ifMatch` for its headers. */
    ifMatch?: boolean
  }
  interface FastifyReply {
    /** Describes an answer by its entity tag; true when it is 304 then, because the client has it already. */
    tagEntity(etag: string, cacheControl: string, encoding?: ContentEncoding | null): boolean
    /** What `If-Match` of the request demands of an entity with this schema. */
    precondition<T extends TObject>(schema: T): Precondition<Static<T>>
  }
}

/**
 * Clients and shared caches may keep an answer, but ask before each use (RFC 9111, 5.2.2.4): a write is seen at once, and the question
 * costs a 304.
 */
export const PUBLIC = 'public, no-cache'
/** A client may keep an answer of its user, and asks before each use whether it is still right. */
export const PRIVATE = 'private, no-cache'

/** Entity tags, `If-None-Match` and `If-Match`. */
export default fp(
  async (app) => {
    app.decorateReply('tagEntity', function (etag, cacheControl, encoding = null) {
      const { method, headers, trace } = this.request
      this.header('X-Cache', trace.outcome).removeHeader('cache-control')
      // nginx keeps nothing that is `no-cache`, unless it is told first that what it keeps has expired in 1970: then it asks, too.
      if (cacheControl === PUBLIC) this.header('X-Accel-Expires', '@1')
      this.header('Cache-Control', cacheControl)
      this.etag(encoding === null ? etag : encodedEtag(etag, encoding))
      if (this.statusCode !== 200 || (method !== 'GET' && method !== 'HEAD')) return false
      const named = namedEtag(headers['if-none-match'], etag)
      if (named === null) return false
      // That of the form which the client has: it could not use another one (RFC 9111, 4.3.4).
      if (headers['if-none-match'] !== '*') this.etag(named)
      this.code(304).removeHeader('content-type')
      return true
    })

    app.addHook('onRoute', (route) => {
      if (route.schema?.headers === ifMatch) route.config = { ...route.config, ifMatch: true }
      // By a hook of the route: the limits have counted the request by then.
      else if (!route.config?.otherMethod) route.onRequest = [...hookList(route.onRequest), refuseIfMatch]
    })

    app.addHook('onRoute', (route) => {
      if (route.config?.entityTag !== true) return
      const own = hookList(route.onSend)
      // Before the hook that takes the body of the answer to a HEAD away.
      route.onSend = [
        (request, reply, payload, done) => {
          const isTagged = reply.statusCode === 200 || reply.statusCode === 201
          if (!isTagged || typeof payload !== 'string') return done(null, payload)
          request.trace.outcome = 'BYPASS'
          done(null, reply.tagEntity(etagOf(payload), PRIVATE) ? null : payload)
        },
        ...own
      ]
    })

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
  },
  { name: 'entity-tags', dependencies: ['caching', 'request-trace'] }
)

function refuseIfMatch({ headers }: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void {
  if (headers['if-match'] === undefined) done()
  else done(new ApiError(400, 'PRECONDITION_UNSUPPORTED', 'If-Match is not for this request: nothing was done'))
}
