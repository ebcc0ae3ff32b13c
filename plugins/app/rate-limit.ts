import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '#http/errors.ts'
import { clientAddress, remoteAddress, trustedProxies } from '#limits/client-address.ts'
import { type Count, Counters } from '#limits/counters.ts'
import { normalize } from '#users/accounts.ts'

/** So many requests with the same key in a window of time; a `max` of 0 is no limit. */
interface RateLimit {
  readonly max: (request: FastifyRequest) => number
  readonly windowMs: number
  readonly key: (request: FastifyRequest) => string
}

declare module 'fastify' {
  interface FastifyInstance {
    /** For a route that takes passwords: ten attempts a minute of one client. */
    readonly attemptLimit: RateLimit
    /** A preHandler for the same: ten attempts a minute on one account, by whomever: that of the body, else one's own. */
    limitAttemptsOnAccount(request: FastifyRequest): Promise<void>
    /** Counts a request of nobody who is signed in. Resolves to the headers that tell what is left, null when nothing is. */
    countVisitor(request: IncomingMessage): Figures | null | Promise<Figures | null>
  }
  interface FastifyContextConfig {
    /** Instead of the limit of every route; false for none. */
    rateLimit?: RateLimit | false
  }
}

/** Headers by their names. */
type Figures = Readonly<Record<string, string>>

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const ATTEMPTS = 10

/** Requests are counted by user where somebody is signed in, else by address, in Redis for all processes together. */
export default fp(
  async (app) => {
    const { anonymous, user } = app.config.rateLimit
    const counters = new Counters(app.redis.limit ?? null, app.config.redis.keyPrefix, app.log)

    const proxies = trustedProxies(app.config.trustProxy)
    const address = (request: IncomingMessage) => {
      const ip = remoteAddress(request, proxies)
      // A client that has hung up has no address any more.
      return ip ? `ip:${clientAddress(ip)}` : 'ip:gone'
    }
    const everyRoute: RateLimit = {
      max: ({ account }) => (account === null ? anonymous : user),
      windowMs: HOUR_MS,
      key: (request) => (request.account === null ? address(request.raw) : `user:${request.account.id}`)
    }
    const attempts = { max: () => (anonymous === 0 ? 0 : ATTEMPTS), windowMs: MINUTE_MS }
    app.decorate('attemptLimit', { ...attempts, key: (request) => `attempt:${address(request.raw)}` })

    app.decorate('limitAttemptsOnAccount', async (request) => {
      const max = attempts.max()
      // Nobody's account: the route answers 401.
      if (max === 0 || emailOf(request) === undefined) return
      const count = await counters.increment(`attempt:account:${accountKey(request)}`, attempts.windowMs)
      if (count.current > max) throw tooMany(max, count)
    })

    /** What was counted by `countVisitor` and is refused by the limit of the route: that does not count it again. */
    const refused = new WeakMap<IncomingMessage, Count>()
    app.decorate('countVisitor', (request) => {
      if (anonymous === 0) return {}
      const judge = (count: Count) => {
        const figures = left(anonymous, count)
        if (figures === null) refused.set(request, count)
        return figures
      }
      const count = counters.increment(address(request), HOUR_MS)
      return count instanceof Promise ? count.then(judge) : judge(count)
    })

    function limit(rule: RateLimit, request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
      const max = rule.max(request)
      const judge = (count: Count) => {
        const figures = left(max, count)
        if (figures !== null) reply.headers(figures)
        done(figures === null ? tooMany(max, count) : undefined)
      }
      const counted = refused.get(request.raw)
      const count = max === 0 ? null : (counted ?? counters.increment(rule.key(request), rule.windowMs))
      if (count === null) done()
      else if (count instanceof Promise) count.then(judge, done)
      else judge(count)
    }

    // After the hooks of all plugins: who asks is known by then.
    app.addHook('onRoute', (route) => {
      const rule = route.config?.rateLimit ?? everyRoute
      if (rule === false) return
      const own = route.onRequest ?? []
      route.onRequest = [
        ...(Array.isArray(own) ? own : [own]),
        (request, reply, done) => limit(rule, request, reply, done)
      ]
    })
  },
  { name: 'rate-limit', dependencies: ['redis', 'identity'] }
)

/** What a count leaves of the limit, null when it is beyond it. */
function left(max: number, { current, ttl }: Count): Figures | null {
  return current <= max ? figures(max, max - current, ttl) : null
}

function figures(max: number, remaining: number, ttlMs: number): Figures {
  return {
    'X-RateLimit-Limit': String(max),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String(Math.ceil(ttlMs / 1000))
  }
}

/** 429 with the figures of the limit that is used up, of which a request may meet two. */
function tooMany(max: number, { ttl }: Count): ApiError {
  return new ApiError(429, 'RATE_LIMITED', 'too many requests: Retry-After says when to come back', {
    'Retry-After': String(Math.ceil(ttl / 1000)),
    ...figures(max, 0, ttl)
  })
}

/** Of the account that the body names, else of who is signed in. */
function emailOf({ body, account }: FastifyRequest): string | undefined {
  const named = typeof body === 'object' && body !== null && 'email' in body
  return named ? String(body.email) : account?.email
}

/** A digest: keys have a fixed alphabet, and tell nobody's address. */
function accountKey(request: FastifyRequest): string {
  const email = normalize(emailOf(request) ?? '')
  return createHash('sha256').update(email).digest('base64url').slice(0, 22)
}
