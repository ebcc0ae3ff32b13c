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
    /** The answer gets an entity tag, and shared caches must not store it. */
    entityTag?: boolean
    /** `If-Match` is honoured. Set automatically if the route has the header schema `ifMatch`. */
    ifMatch?: boolean
  }
  interface FastifyReply {
    /**
     * Sets the entity tag and caching headers of an answer; returns true if it became a 304, because the client's copy
     * is current.
     */
    tagEntity(etag: string, cacheControl: string, encoding?: ContentEncoding | null): boolean
    /** The condition of `If-Match`, for an entity with this schema. */
    precondition<T extends TObject>(schema: T): Precondition<Static<T>>
  }
}

/**
 * Clients and shared caches may store an answer, but must revalidate it before each use (RFC 9111, 5.2.2.4): a write is
 * visible at once, and revalidation costs a 304.
 */
export const PUBLIC = 'public, no-cache'
/** Only the client may store the answer, and must revalidate it before each use. */
export const PRIVATE = 'private, no-cache'

/** Entity tags, `If-None-Match` and `If-Match`. */
export default fp(
  async (app) => {
    app.decorateReply('tagEntity', function (etag, cacheControl, encoding = null) {
      const { method, headers, trace } = this.request
      this.header('X-Cache', trace.outcome).removeHeader('cache-control')
      // nginx does not store `no-cache` answers, unless an earlier header says that they expired in 1970: then it
      // revalidates them.
      if (cacheControl === PUBLIC) this.header('X-Accel-Expires', '@1')
      this.header('Cache-Control', cacheControl)
      this.etag(encoding === null ? etag : encodedEtag(etag, encoding))
      if (this.statusCode !== 200 || (method !== 'GET' && method !== 'HEAD')) return false
      const named = namedEtag(headers['if-none-match'], etag)
      if (named === null) return false
      // The tag of the variant that the client has: it could not use another one (RFC 9111, 4.3.4).
      if (headers['if-none-match'] !== '*') this.etag(named)
      this.code(304).removeHeader('content-type')
      return true
    })

    app.addHook('onRoute', (route) => {
      if (route.schema?.headers === ifMatch) route.config = { ...route.config, ifMatch: true }
      // A hook of the route, so that the rate limits have counted the request.
      else if (!route.config?.otherMethod) route.onRequest = [...hookList(route.onRequest), refuseIfMatch]
    })

    app.addHook('onRoute', (route) => {
      if (route.config?.entityTag !== true) return
      const own = hookList(route.onSend)
      // Before the hook that removes the body of the answer to a HEAD.
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
  else done(new ApiError(400, 'PRECONDITION_UNSUPPORTED', 'this request does not support If-Match: nothing was done'))
}
