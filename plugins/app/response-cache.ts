import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { bodyOf, type CacheSpec, type Entry, etagOf, isNegative, Ticket } from '#cache'
import { NotFoundError } from '#http/errors.ts'
import type { RouteCache } from './cached-routes.ts'
import { PRIVATE } from './entity-tags.ts'
import { hangUp } from './hang-up.ts'
import { hookList } from './route-hooks.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answers of this route are cached (plugins/app/cached-routes.ts): they are the same for everybody, and depend on nothing but the key. */
    cache?: RouteCache
  }
  interface FastifyRequest {
    /** The right to load what was not cached; null where nothing is to be loaded, or it has been. */
    ticket: Ticket | null
    /** The handler was reached: what is sent may be what it has loaded. */
    isLoading: boolean
    /** Aborts a load whose client has hung up, where nobody else has waited for it. */
    loadSignal: AbortSignal | undefined
    /** Names tags that only the load knows: await it before what they cover is read. */
    dependOn(tags: readonly string[]): Promise<void>
  }
  interface FastifyReply {
    /** The public entry of the cache that this answers with. */
    publicEntry: { spec: CacheSpec; entry: Entry } | null
  }
}

const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * Answers of routes with `config.cache`: looked up before anything of the request is done (`onRequest`; a hit ends there), loaded by the
 * handler, which returns data and knows nothing of the cache, and stored as they are sent (`onSend`).
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
      rule.requireFitting(route)
      route.onRequest = [...hookList(route.onRequest), lookUp(rule)]
      route.preHandler = [...hookList(route.preHandler), beginLoad]
      route.errorHandler = answerFailure(rule)
    })

    function lookUp(rule: RouteCache) {
      return (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
        // Fastify answers 400 when it validates.
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
      // An entry for the public is described by `sendPublic`; what follows may end as any error.
      if (found instanceof Ticket || isNegative(found)) reply.header('X-Cache', request.trace.outcome)
      if (found instanceof Ticket) {
        // Its `handlerTimeout` is over: no handler will run, and nobody else would end the ticket.
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

    /** For who purges a CDN by tag. A tag of the cache is a word without spaces and commas. */
    function nameTags(reply: FastifyReply, { tags }: Entry): void {
      if (surrogateKeys === 'Surrogate-Key') reply.header(surrogateKeys, tags.join(' '))
      if (surrogateKeys === 'Cache-Tag') reply.header(surrogateKeys, tags.join())
    }

    /** The end of a load that failed: what does not exist is remembered, what cannot be read may be served stale. */
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

    /** Whoever is signed in may see what the public does not, as a draft of his own: it is his alone, and never cached. */
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

    // An answer that passes no `onSend`, because a handler has hijacked it.
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

/** The last hook before the handler: an answer that another one has given in its place is not stored. */
function beginLoad(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  request.isLoading = true
  const { ticket } = request
  request.loadSignal = hangUp(reply, () => {
    if (ticket?.isAwaited) return false
    // First, so that whoever comes now loads, and does not wait for what is cancelled.
    ticket?.abandon()
    return true
  })
  done()
}

/** The parameters are coerced, as Fastify will do it once more: a key is built of nothing that was not validated. */
function isValid(request: FastifyRequest): boolean {
  const params = request.getValidationFunction('params')
  const query = request.getValidationFunction('querystring')
  return (params === undefined || params(request.params)) && (query === undefined || query(request.query))
}
