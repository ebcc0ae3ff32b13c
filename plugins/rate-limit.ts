import { createHash } from 'node:crypto'
import rateLimit, { type FastifyRateLimitStore, normalizeIP, type RateLimitOptions } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { normalize } from '../src/accounts/accounts.ts'
import { ApiError } from '../src/errors.ts'
import { Counters } from '../src/limits/counters.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** For a route that takes passwords: ten attempts a minute of one client. */
    readonly attemptLimit: RateLimitOptions
    /** A preHandler for the same: ten attempts a minute on one account, by whomever: that of the body, else one's own. */
    limitAttemptsOnAccount(request: FastifyRequest): Promise<void>
  }
}

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const ATTEMPTS = 10
const IPV6_NETWORK_BITS = 64

/** Requests are counted by user where somebody is signed in, else by address, in Redis for all processes together. */
export default fp(
  async (app) => {
    const { anonymous, user } = app.config.rateLimit
    const counters = new Counters(app.redis.limit, app.config.redis.keyPrefix, app.log)

    class Store implements FastifyRateLimitStore {
      incr(...[key, callback, windowMs]: Parameters<FastifyRateLimitStore['incr']>): void {
        counters.increment(key, windowMs).then((count) => callback(null, count), callback)
      }

      child(): Store {
        return this
      }
    }

    // A client that has hung up has no address any more.
    const address = ({ ip, socket }: FastifyRequest) =>
      socket.destroyed && !ip ? 'ip:gone' : `ip:${normalizeIP(ip, IPV6_NETWORK_BITS)}`
    const limitOf = ({ account }: FastifyRequest) => (account === null ? anonymous : user)

    await app.register(rateLimit, {
      max: limitOf,
      timeWindow: HOUR_MS,
      keyGenerator: (request) => (request.account === null ? address(request) : `user:${request.account.id}`),
      allowList: (request) => limitOf(request) === 0,
      store: Store,
      errorResponseBuilder: tooMany
    })

    const attempts = { max: ATTEMPTS, timeWindow: MINUTE_MS, allowList: () => anonymous === 0 }
    app.decorate('attemptLimit', { ...attempts, keyGenerator: (request) => `attempt:${address(request)}` })

    const onAccount = app.createRateLimit({
      ...attempts,
      keyGenerator: (request) => `attempt:account:${accountKey(request)}`
    })
    app.decorate('limitAttemptsOnAccount', async (request) => {
      // Nobody's account: the route answers 401.
      if (emailOf(request) === undefined) return
      const limit = await onAccount(request)
      if (!limit.isAllowed && limit.isExceeded) throw tooMany(request, limit)
    })
  },
  { name: 'rate-limit', dependencies: ['redis', 'identity'] }
)

/** 429 with the figures of the limit that is used up, of which a request may meet two. */
function tooMany(_request: FastifyRequest, { max, ttl }: { max: number; ttl: number }): ApiError {
  const seconds = String(Math.ceil(ttl / 1000))
  return new ApiError(429, 'RATE_LIMITED', 'too many requests: Retry-After says when to come back', {
    'Retry-After': seconds,
    'X-RateLimit-Limit': String(max),
    'X-RateLimit-Remaining': '0',
    'X-RateLimit-Reset': seconds
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
