import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { bodyOf, type CacheSpec, type Entry, encodedEtag, isNegative, namedEtag, Trace } from '#cache'
import { type ContentEncoding, compressedBody, encodingFor } from '#http/content-encoding.ts'
import type { FrontDoor } from '#http/front-door.ts'
import { requestId } from '#http/request-id.ts'
import { timingHeaders } from '#http/timing-headers.ts'
import { traceIdOf } from '#http/traceparent.ts'
import { mayCarrySession } from '#sessions/session-cookie.ts'
import { PUBLIC } from './entity-tags.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly frontDoor: FrontDoor
  }
}

const MAX_URLS = 10_000
const MAX_URL_LENGTH = 512

type Status = 200 | 304
/** A variant of an answer: its status, and the content encoding that the client prefers. */
type Variant = `${Status} ${ContentEncoding | null}`

/** The answer of the normal path for a URL: its entry, and its headers, with alternating names and values. */
interface Recorded {
  readonly spec: CacheSpec
  readonly route: string | undefined
  readonly etag: string
  readonly headers: Partial<Record<Variant, Headers>>
}

/** Headers are replayed only after two answers had the same ones: a plugin may set one per request, such as a nonce. */
interface Headers {
  readonly flat: readonly string[]
  readonly confirmed: boolean
}

interface Visit {
  readonly raw: IncomingMessage
  readonly response: ServerResponse
  readonly recorded: Recorded
  readonly trace: Trace
  readonly startedAt: number
}

/**
 * A shortcut for cache hits that bypasses Fastify's life cycle; `FRONT_DOOR=off` disables it, and hooks do not run
 * here. Once the normal path has answered a URL from the cache, plain GETs of visitors are answered with the headers
 * recorded then, before Fastify creates its objects, for routes that opt in (`frontDoor` in `config.cache`). Rate
 * limit, metrics and log treat them like any other request. It refuses nothing and loads nothing: all other requests
 * take the normal path.
 */
export default fp(
  async (app) => {
    const { coherentCache: cache, config, frontDoor } = app
    // Traces describe the normal path, whose hooks create the spans.
    if (config.frontDoor === 'off' || app.tracing !== null) return
    const records = new LRUCache<string, Recorded>({ max: MAX_URLS })

    app.addHook('onRoute', (route) => {
      const { url, method, onSend, config: { cache, rateLimit } = {} } = route
      if (!cache?.frontDoor || method === 'HEAD') return
      if (rateLimit !== undefined || onSend !== undefined) {
        throw new TypeError(
          `${url}: frontDoor is for routes with the limit that every route has, and no onSend of their own`
        )
      }
      // A hook of the route runs after those of all plugins, so that what it records is what is sent.
      route.onSend = recordAnswer
    })

    function recordAnswer(
      { raw, trace, account, routeOptions }: FastifyRequest,
      reply: FastifyReply,
      payload: unknown,
      done: (error: null, payload: unknown) => void
    ): void {
      const { publicEntry } = reply
      const isHit = publicEntry !== null && trace.outcome === 'HIT'
      if (isHit && account === null && isPlain(raw)) record(publicEntry, routeOptions.url, reply, payload)
      done(null, payload)
    }

    function record(
      { spec, entry }: { spec: CacheSpec; entry: Entry },
      route: string | undefined,
      reply: FastifyReply,
      payload: unknown
    ): void {
      const { raw } = reply.request
      const url = raw.url ?? ''
      const status = reply.statusCode
      if ((status !== 200 && status !== 304) || url.length > MAX_URL_LENGTH) return
      const { etag } = entry
      const known = records.get(url)
      const recorded = known?.etag === etag ? known : { spec, route, etag, headers: {} }
      const encoding = encodingOf(raw, entry)
      const variant: Variant = `${status} ${encoding}`
      const before = recorded.headers[variant]
      if (before?.confirmed || !isReplayable(reply, payload, entry, encoding)) return
      const flat = constantHeaders(reply)
      recorded.headers[variant] = { flat, confirmed: before?.flat.join() === flat.join() }
      records.set(url, recorded)
    }

    frontDoor.open((raw, response, normalPath) => {
      const recorded = isPlain(raw) ? records.get(raw.url ?? '') : undefined
      if (recorded === undefined || app.isDraining() || app.isUnderPressure()) return false
      const visit = { raw, response, recorded, trace: new Trace(), startedAt: performance.now() }
      const entry = cache.peek(recorded.spec)
      if (entry !== null) return admit(visit, entry, normalPath)
      const confirmed = cache.confirm(recorded.spec)
      if (confirmed === null) return false
      void confirmed.then((entry) => {
        visit.trace.cacheMs = performance.now() - visit.startedAt
        if (entry === null || !admit(visit, entry, normalPath)) normalPath(raw, response)
      })
      return true
    })

    /** Returns true if the visit is answered, now or after it has been counted. */
    function admit(visit: Visit, entry: Entry, normalPath: RequestListener): boolean {
      const { raw, response, recorded } = visit
      if (isNegative(entry) || entry.etag !== recorded.etag) return false
      const encoding = encodingOf(raw, entry)
      const etag = etagOfForm(entry, encoding)
      const named = namedEtag(raw.headers['if-none-match'], entry.etag)
      // The client has another variant than it would be sent.
      if (named !== null && named !== etag) return false
      const status = named === null ? 200 : 304
      const headers = recorded.headers[`${status} ${encoding}`]
      if (!headers?.confirmed) return false
      const body = status === 304 ? null : encodedBody(entry, encoding)
      if (body instanceof Promise) return false
      const allowance = app.consumeVisitorLimit(raw)
      if (allowance === null) return false
      if (allowance instanceof Promise) {
        void allowance.then((allowance) => {
          if (allowance === null) normalPath(raw, response)
          else send(visit, body, headers.flat, allowance)
        })
      } else send(visit, body, headers.flat, allowance)
      return true
    }

    function send(
      { raw, response, recorded, trace, startedAt }: Visit,
      body: string | Buffer | null,
      headers: readonly string[],
      allowance: Readonly<Record<string, string | number>>
    ): void {
      const id = requestId(raw)
      cache.countHit(recorded.spec, trace)
      response.on('finish', () => {
        app.completed({
          requestId: id,
          traceId: traceIdOf(raw.headers.traceparent),
          spanId: undefined,
          method: 'GET',
          url: raw.url ?? '',
          route: recorded.route,
          beganSession: false,
          user: undefined,
          status: body === null ? 304 : 200,
          ms: performance.now() - startedAt,
          trace,
          streamed: false
        })
      })
      const flat: (string | number)[] = [...headers]
      const timing = timingHeaders(id, trace, performance.now() - startedAt)
      for (const name in timing) flat.push(name, timing[name] ?? '')
      for (const name in allowance) flat.push(name, allowance[name] ?? '')
      if (body === null) {
        response.writeHead(304, flat).end()
        return
      }
      flat.push('content-length', body.length)
      response.writeHead(200, flat).end(body)
    }
  },
  {
    name: 'front-door',
    dependencies: ['completed-requests', 'draining', 'rate-limit', 'response-cache', 'under-pressure']
  }
)

/** A visitor's request from the same origin and without a body, which no hook would have to look at more closely. */
function isPlain({ method, headers, httpVersion }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    headers.host !== undefined &&
    !headers.host.includes(',') &&
    !mayCarrySession(headers.cookie) &&
    !special.some((name) => headers[name] !== undefined)
  )
}

const special: (keyof IncomingHttpHeaders)[] = [
  'authorization',
  'content-length',
  'expect',
  'if-match',
  'origin',
  'transfer-encoding'
]

function encodingOf({ headers }: IncomingMessage, entry: Entry): ContentEncoding | null {
  return encodingFor(headers['accept-encoding'], bodyOf(entry))
}

function encodedBody(entry: Entry, encoding: ContentEncoding | null): string | Buffer | Promise<Buffer> {
  return encoding === null ? bodyOf(entry) : compressedBody(entry, bodyOf(entry), encoding)
}

function etagOfForm({ etag }: Entry, encoding: ContentEncoding | null): string {
  return encoding === null ? etag : encodedEtag(etag, encoding)
}

/** False for an answer that a plugin has altered: with a cookie, another body, or only for some requests. */
function isReplayable(reply: FastifyReply, payload: unknown, entry: Entry, encoding: ContentEncoding | null): boolean {
  const isBody = reply.statusCode === 200 ? payload === encodedBody(entry, encoding) : !payload
  const unchanged = isBody && reply.getHeader('etag') === etagOfForm(entry, encoding)
  const isPublic = reply.getHeader('cache-control') === PUBLIC && !reply.hasHeader('set-cookie')
  // `isPlain` excludes requests with an Origin; an answer that varies by anything else is not replayed.
  return unchanged && isPublic && reply.getHeader('vary') === 'Origin, Accept-Encoding'
}

/** Headers that differ between answers are set for each one. */
const VARYING = /^(x-request-id|x-response-time|x-cache-(hits|misses)|server-timing|x-ratelimit-.*)$/

function constantHeaders(reply: FastifyReply): string[] {
  const constant = Object.entries(reply.getHeaders()).filter(([name]) => !VARYING.test(name))
  return constant.flatMap(([name, value]) => [name, String(value)])
}
