import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { bodyOf, type CacheSpec, type Entry, etagOf, isNegative, Ticket } from '#cache'
import { NotFoundError } from '#http/errors.ts'
import type { RouteCache } from './cached-routes.ts'
import { PRIVATE } from './entity-tags.ts'
import { abortOnHangUp } from './hang-up.ts'
import { hookList } from './route-hooks.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Caches the answers of this route (plugins/app/cached-routes.ts): they must be the same for everybody, and depend
     * only on the key.
     */
    cache?: RouteCache
  }
  interface FastifyRequest {
    /** The right to load what was not cached; null if there is nothing to load, or the load has ended. */
    ticket: Ticket | null
    /** The handler was reached, so the answer may be what it has loaded. */
    isLoading: boolean
    /** Aborts a load when its client hangs up and nobody else waits for it. */
    loadSignal: AbortSignal | undefined
    /** Adds tags that only the load knows. Await it before reading the data that they cover. */
    dependOn(tags: readonly string[]): Promise<void>
  }
  interface FastifyReply {
    /** The public cache entry that is the answer. */
    publicEntry: { spec: CacheSpec; entry: Entry } | null
  }
}

const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * Caches the answers of routes with `config.cache`. The look-up is in `onRequest`, where a hit ends; on a miss, the
 * handler loads the data without knowing about the cache, and `onSend` stores the serialized answer.
 */
export default fp(
  async (app) => {
    const cache = app.coherentCache
    const { surrogateKeys } = app.config
    app.decorateRequest('ticket', null)
    app.decorateRequest('isLoading', false)
    app.decorateRequest('loadSignal', undefined)
    app.decorateReply('publicEntry', null)
    app.decorateRequest('dependOn', async function (tags) {
      await this.ticket?.dependOn(tags)
    })

    app.addHook('onRoute', (route) => {
      const rule = route.config?.cache
      if (rule === undefined) return
      rule.requireCompatible(route)
      route.onRequest = [...hookList(route.onRequest), lookUp(rule)]
      route.preHandler = [...hookList(route.preHandler), beginLoad]
      route.errorHandler = answerFailure(rule)
    })

    function lookUp(rule: RouteCache) {
      return (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
        // Fastify validates again, and answers 400.
        if (!isValid(request)) {
          done()
          return
        }
        if (rule.before === undefined) begin(rule, request, reply, done)
        else {
          rule
            .before(request, reply)
            .then(() => {
              if (!reply.sent) begin(rule, request, reply, done)
            })
            .catch((error) => failLookUp(error, request, reply, done))
        }
      }
    }

    function begin(
      rule: RouteCache,
      request: FastifyRequest,
      reply: FastifyReply,
      done: HookHandlerDoneFunction
    ): void {
      const spec = rule.spec(request)
      const found = cache.lookUp(spec, request.trace)
      if (found instanceof Promise) {
        found
          .then((found) => settle(spec, found, request, reply, done))
          .catch((error) => failLookUp(error, request, reply, done))
      } else settle(spec, found, request, reply, done)
    }

    function settle(
      spec: CacheSpec,
      found: Entry | Ticket,
      request: FastifyRequest,
      reply: FastifyReply,
      done: HookHandlerDoneFunction
    ): void {
      // `sendPublic` sets X-Cache for public entries; for the rest, set it now, since an error may follow.
      if (found instanceof Ticket || isNegative(found)) reply.header('X-Cache', request.trace.outcome)
      if (found instanceof Ticket) {
        // The `handlerTimeout` has passed: no handler will run, and nobody else would end the ticket.
        if (reply.sent) found.abandon()
        else request.ticket = found
        found.run(done)
      } else if (isNegative(found)) done(new NotFoundError(found.value))
      else sendPublic(reply, spec, found)
    }

    function sendPublic(reply: FastifyReply, spec: CacheSpec, entry: Entry): FastifyReply {
      reply.publicEntry = { spec, entry }
      nameTags(reply, entry)
      const payload = reply.shareBody(entry, { etag: entry.etag, body: bodyOf(entry) })
      if (payload === null) return reply.send()
      reply.type(JSON_TYPE)
      if (!(payload instanceof Promise)) return reply.send(payload)
      void payload.then((bytes) => reply.send(bytes)).catch((error) => reply.send(error))
      return reply
    }

    /** For CDNs that purge by tag. Tags of the cache contain neither spaces nor commas. */
    function nameTags(reply: FastifyReply, { tags }: Entry): void {
      if (surrogateKeys === 'Surrogate-Key') reply.header(surrogateKeys, tags.join(' '))
      if (surrogateKeys === 'Cache-Tag') reply.header(surrogateKeys, tags.join())
    }

    /**
     * Handles a failed load: a missing resource is cached as missing; other failures may be answered with a stale
     * entry.
     */
    function answerFailure(rule: RouteCache) {
      return async (error: Error, request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
        const { ticket, account } = request
        request.ticket = null
        if (error instanceof NotFoundError) {
          await ticket?.missing(error.what)
          if (account === null || rule.own === undefined) throw error
          return sendOwn(reply, await rule.own(request, account))
        }
        const stale = (await ticket?.stale(error)) ?? null
        if (stale === null) throw error
        return sendPublic(reply.code(200), rule.spec(request), stale)
      }
    }

    /** Sends what only the signed-in user may see, such as their own draft. It is never cached. */
    function sendOwn(reply: FastifyReply, payload: unknown): FastifyReply {
      reply.request.trace.outcome = 'BYPASS'
      const text = String(reply.code(200).serialize(payload))
      return reply.tagEntity(etagOf(text), PRIVATE) ? reply.send() : reply.type(JSON_TYPE).send(text)
    }

    app.addHook('onSend', (request, reply, payload, done) => {
      const { ticket } = request
      if (ticket === null) return done(null, payload)
      request.ticket = null
      if (!request.isLoading || reply.statusCode !== 200 || typeof payload !== 'string') {
        ticket.abandon()
        return done(null, payload)
      }
      ticket
        .commit(payload)
        .then((entry) => {
          nameTags(reply, entry)
          return reply.shareBody(entry, { etag: entry.etag, body: payload })
        })
        .then((payload) => done(null, payload))
        .catch(done)
    })

    // For answers that skip `onSend` because a handler has hijacked the reply.
    app.addHook('onResponse', ({ ticket }, _reply, done) => {
      ticket?.abandon()
      done()
    })
  },
  { name: 'response-cache', dependencies: ['cache', 'identity', 'shared-bodies'] }
)

function failLookUp(error: Error, { trace }: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  reply.header('X-Cache', trace.outcome)
  done(error)
}

/** The last hook before the handler: an answer from an earlier hook is not stored. */
function beginLoad(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  request.isLoading = true
  const { ticket } = request
  request.loadSignal = abortOnHangUp(reply, () => {
    if (ticket?.isAwaited) return false
    // Before aborting, so that new requests start a load instead of waiting for the cancelled one.
    ticket?.abandon()
    return true
  })
  done()
}

/** Validates and coerces the parameters, as Fastify will do again, so that keys are built only from validated input. */
function isValid(request: FastifyRequest): boolean {
  const params = request.getValidationFunction('params')
  const query = request.getValidationFunction('querystring')
  return (params === undefined || params(request.params)) && (query === undefined || query(request.query))
}
