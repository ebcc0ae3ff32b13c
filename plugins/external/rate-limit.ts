import type { IncomingMessage } from 'node:http'
import proxyAddr from '@fastify/proxy-addr'
import rateLimit, { normalizeIP, type RateLimitOptions } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { ApiError } from '#http/errors.ts'
import { bareAddress } from '#limits/client-address.ts'
import { CounterStore, keyGeneratorOf } from '#limits/counter-store.ts'
import { type Count, Counters } from '#limits/counters.ts'
import { proxyTrust } from './proxy-addr.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * For health and metrics: a generous, separate limit that each process counts on its own, so that it never waits.
     */
    readonly operatorLimit: RateLimitOptions
    /** The same for operations that must work when the other limits are used up, such as logging out. */
    readonly spareLimit: RateLimitOptions
    /** The key of the network of a request: an IPv4 address, or an IPv6 /64. */
    networkOf(request: FastifyRequest): string
    /** Increments a counter of all processes together; null if the limits on visitors are off. */
    incrementCounter(key: string, windowMs: number): Promise<Count | null>
    /**
     * Counts a visitor's request towards the limit of all routes, outside of Fastify's life cycle; without a promise if
     * this process counts on its own. Returns the headers of the limit, empty if it is off; null if it is used up.
     */
    consumeVisitorLimit(request: IncomingMessage): Headers | null | Promise<Headers | null>
  }
}

type Headers = Readonly<Record<string, string>>

const HOUR_MS = 3_600_000
export const MINUTE_MS = 60_000
/** Requests per minute and client: twenty a second, as several load balancers behind one address may send. */
export const GENEROUS_MAX = 1200
/** A cache, because normalizing an IPv6 address costs more than anything else here. */
const MAX_KNOWN_ADDRESSES = 10_000

/**
 * Counts requests by user, or by network for visitors, in Redis for all processes together. Every route has a limit,
 * this one unless its `config` names another: without one, a single client could overload the service for everybody.
 */
export default fp(
  async (app) => {
    const { anonymous, user } = app.config.rateLimit
    const counters = new Counters(app.redis.limit ?? null, app.config.redis.keyPrefix, app.log)
    const ownCounters = new Counters(null, app.config.redis.keyPrefix, app.log)
    /** The key generators of limits that this process counts on its own. */
    const countedHere = new Set<unknown>()
    /** Admin links get the limit of a user, but are counted by network. */
    const isLink = (request: FastifyRequest) => request.account === null && app.hasAdminLink(request)
    const maxOf = (request: FastifyRequest) => (request.account === null && !isLink(request) ? anonymous : user)

    await app.register(rateLimit, {
      store: class extends CounterStore {
        constructor(limit: object) {
          super(counters, limit)
        }

        override child(limit: object) {
          return countedHere.has(keyGeneratorOf(limit)) ? new CounterStore(ownCounters, limit) : super.child(limit)
        }
      },
      max: maxOf,
      // The library awaits each function for every request, so this one is passed only if a limit is off.
      ...(anonymous === 0 || user === 0 ? { allowList: (request: FastifyRequest) => maxOf(request) === 0 } : {}),
      timeWindow: HOUR_MS,
      keyGenerator: (request) => {
        if (request.account !== null) return `user:${request.account.id}`
        return isLink(request) ? `link:${networkKey(request.ip)}` : networkKey(request.ip)
      },
      errorResponseBuilder: () => tooManyRequests()
    })

    const generousLimit = (name: string) => {
      const keyGenerator = ({ ip }: FastifyRequest) => `${name}:${networkKey(ip)}`
      countedHere.add(keyGenerator)
      return { max: GENEROUS_MAX, timeWindow: MINUTE_MS, allowList: () => anonymous === 0, keyGenerator }
    }
    app.decorate('operatorLimit', generousLimit('operator'))
    app.decorate('spareLimit', generousLimit('spare'))

    app.decorate('networkOf', ({ ip }) => networkKey(ip))
    app.decorate('incrementCounter', async (key, windowMs) =>
      anonymous === 0 ? null : counters.increment(key, windowMs)
    )

    const trust = proxyTrust(app.config.trustProxy)
    const remaining = ({ current, ttl }: Count) =>
      current > anonymous ? null : limitHeaders(anonymous, anonymous - current, ttl)
    app.decorate('consumeVisitorLimit', (request) => {
      if (anonymous === 0) return {}
      const address = trust === false ? request.socket.remoteAddress : proxyAddr(request, trust)
      const count = counters.increment(networkKey(address), HOUR_MS)
      return count instanceof Promise ? count.then(remaining) : remaining(count)
    })
  },
  { name: 'rate-limit', dependencies: ['redis', 'admin-link', 'identity'] }
)

const knownAddresses = new LRUCache<string, string>({ max: MAX_KNOWN_ADDRESSES })

/**
 * The key of a client: its IPv4 address, the /64 of its IPv6 address, or whatever a proxy sent instead of an address.
 */
export function networkKey(ip: string | undefined): string {
  const bare = bareAddress(ip)
  const known = knownAddresses.get(bare)
  if (known !== undefined) return known
  // A copy, because a slice would keep the whole header in memory.
  const copy = Buffer.from(bare, 'latin1').toString('latin1')
  const key = `ip:${normalizeIP(copy)}`
  knownAddresses.set(copy, key)
  return key
}

/** The headers of a limit, as the library sets them; `ttlMs` is the rest of its window. */
export function limitHeaders(max: number, remaining: number, ttlMs: number): Headers {
  return {
    'x-ratelimit-limit': String(max),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(Math.ceil(ttlMs / 1000))
  }
}

/** 429 with the headers of a limit that is used up; `ttlMs` is the rest of its window. */
export function limitExceeded(max: number, ttlMs: number, message?: string): ApiError {
  return tooManyRequests({ ...limitHeaders(max, 0, ttlMs), 'retry-after': String(Math.ceil(ttlMs / 1000)) }, message)
}

/** 429. */
export function tooManyRequests(
  headers?: Headers,
  message = 'too many requests: Retry-After says when to try again'
): ApiError {
  // Closing the connection makes each further request cost a new one.
  return new ApiError(429, 'RATE_LIMITED', message, { ...headers, Connection: 'close' })
}
