import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeader } from 'node:http'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import type { CacheSpec } from '#cache'
import { bodyOf, type Entry, isNegative, matchesEtag, Trace } from '#cache'
import { requestId } from '#http/request-id.ts'
import { JSON_TYPE, PUBLIC, varyingLines } from '#http/response-head.ts'
import { headsAreReusable, type ReusableHead, ReusableHeadResponse } from '#http/reusable-head.ts'
import { mayCarrySession } from '#sessions/session-record.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The request was answered with the public entry of `spec`, which its URL alone decides: the next one may be answered sooner. */
    answerFast(request: FastifyRequest, spec: CacheSpec): void
  }
}

const MAX_URLS = 10_000
const MAX_URL_LENGTH = 512

interface Target {
  readonly spec: CacheSpec
  readonly route: FastifyRequest['routeOptions']
}

interface Visit extends Target {
  readonly raw: IncomingMessage
  readonly response: ReusableHeadResponse<IncomingMessage>
  readonly trace: Trace
  readonly startedAt: number
}

interface Answer extends Visit {
  readonly entry: Entry
  /** Headers that tell what is left of the rate limit. */
  readonly figures: Readonly<Record<string, string>>
}

/**
 * The fast path of a hit: what a URL answered before is answered again before Fastify makes its objects and runs its hooks, with the same
 * headers, limit, metrics and log line. It takes a plain GET of nobody in particular whose entry the cache has in this process.
 * All else goes the usual way, which it leaves as it was: this file refuses nothing and loads nothing.
 */
export default fp(
  async (app) => {
    const { cache, responseHead } = app
    const targets = new LRUCache<string, Target>({ max: MAX_URLS })

    app.decorate('answerFast', ({ raw, route }, spec) => {
      const { method, url = '' } = raw
      // Visitors are counted here by the limit that every route has.
      if (route.config.rateLimit !== undefined) return
      if (method === 'GET' && url.length <= MAX_URL_LENGTH) targets.set(url, { spec, route })
    })

    /** False: nothing was done, and the request goes the usual way. */
    function take(raw: IncomingMessage, response: ReusableHeadResponse<IncomingMessage>): boolean {
      const target = response.shouldKeepAlive && isPlain(raw) ? targets.get(raw.url ?? '') : undefined
      if (target === undefined || app.isDraining() || app.isUnderPressure()) return false
      const { spec, route } = target
      const visit = { raw, response, spec, route, trace: new Trace(), startedAt: performance.now() }
      const entry = cache.peek(spec)
      if (entry !== null) return admit(visit, entry)
      const confirmed = cache.confirm(spec)
      if (confirmed === null) return false
      confirmed.then((entry) => {
        visit.trace.cacheMs = performance.now() - visit.startedAt
        if (entry === null || !admit(visit, entry)) app.routing(raw, response)
      })
      return true
    }

    function admit(visit: Visit, entry: Entry): boolean {
      if (isNegative(entry)) return false
      const figures = app.countVisitor(visit.raw)
      if (figures === null) return false
      if (figures instanceof Promise) {
        figures.then((figures) => {
          if (figures === null) app.routing(visit.raw, visit.response)
          else sendTogether({ ...visit, entry, figures })
        })
      } else sendTogether({ ...visit, entry, figures })
      return true
    }

    /** Answers of one turn of the event loop leave together: a client on this machine is woken once, not for each of them. */
    let answers: Answer[] = []
    function sendTogether(answer: Answer): void {
      cache.countHit(answer.spec, answer.trace)
      if (answers.push(answer) > 1) return
      setImmediate(() => {
        const batch = answers
        answers = []
        for (const answer of batch) {
          try {
            send(answer)
          } catch (err) {
            // One that fails does not keep the others from theirs.
            app.log.error({ err }, 'a cached answer could not be sent: a fault of the service')
            answer.response.destroy()
          }
        }
      })
    }

    function send({ raw, response, route, trace, startedAt, entry, figures }: Answer): void {
      const id = requestId(raw)
      const status = matchesEtag(raw.headers['if-none-match'], entry.etag) ? 304 : 200
      response.on('finish', () => {
        const ms = performance.now() - startedAt
        const { method = '', url = '' } = raw
        app.tellAnswered({ requestId: id, method, url, route, user: undefined, status, ms, trace, streamed: false })
      })
      let varying = varyingLines(id, trace, performance.now() - startedAt)
      for (const name in figures) varying += `${name}: ${figures[name]}\r\n`
      const known = heads[status]
      const head = known.get(entry)
      const written = response.writeReusableHead(status, head, () => constantHeaders(entry, status), varying)
      if (written !== head) known.set(entry, written)
      if (status === 304) response.end()
      else response.end(bodyOf(entry))
    }

    const heads = { 200: new WeakMap<Entry, ReusableHead>(), 304: new WeakMap<Entry, ReusableHead>() }
    function constantHeaders(entry: Entry, status: 200 | 304): OutgoingHttpHeader[] {
      const own = { vary: 'Origin', 'x-cache': 'HIT', etag: entry.etag, 'cache-control': PUBLIC }
      const ofBody = { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(entry.value) }
      return responseHead.constant(status === 304 ? own : { ...own, ...ofBody })
    }

    app.addHook('onReady', async () => {
      if (!headsAreReusable())
        return app.log.warn('hits go the slow way: run the version of Node that package.json names')
      app.server.off('request', app.routing).on('request', (raw, response) => {
        if (!(response instanceof ReusableHeadResponse && take(raw, response))) app.routing(raw, response)
      })
    })
  },
  {
    name: 'fast-path',
    dependencies: ['answered', 'cache', 'closing', 'rate-limit', 'response-head', 'security']
  }
)

/** Nobody who may be signed in, from no other origin, without a body: what plugins would look at more closely. */
function isPlain({ method, headers, httpVersion }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    headers.host !== undefined &&
    !mayCarrySession(headers.cookie) &&
    !special.some((name) => headers[name] !== undefined)
  )
}

const special: (keyof IncomingHttpHeaders)[] = ['origin', 'expect', 'content-length', 'transfer-encoding']
