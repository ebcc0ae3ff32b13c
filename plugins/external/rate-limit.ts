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
    /** For health and metrics: generous, apart from all other limits, and counted by this process, so that it waits for nothing. */
    readonly operatorLimit: RateLimitOptions
    /** The same for what a client may still do who has used up the other limits. */
    readonly spareLimit: RateLimitOptions
    /** Key of the network that a request comes from: an IPv4 address, or a /64 of IPv6. */
    networkOf(request: FastifyRequest): string
    /** Counts under `key`, for all processes together; null where the limits on visitors are off. */
    countUnder(key: string, windowMs: number): Promise<Count | null>
    /**
     * Counts a request of a visitor for the limit that every route has, outside of Fastify's life cycle; at once where this
     * process counts for itself. The headers are those of the limit, none where it is off; null means that it is used up.
     */
    countVisitor(request: IncomingMessage): Headers | null | Promise<Headers | null>
  }
}

type Headers = Readonly<Record<string, string>>

const HOUR_MS = 3_600_000
export const MINUTE_MS = 60_000
/** Requests a minute of one client for what must stay possible: twenty a second, as several balancers behind one address may send. */
export const GENEROUS = 1200
/** Normalizing an address of IPv6 costs more than anything else here. */
const MAX_KNOWN_ADDRESSES = 10_000

/**
 * Requests are counted by user where somebody is signed in, else by address, in Redis for all processes together. Every route has a
 * limit, this one unless its `config` names another: without one, a client could take the service from the others.
 */
export default fp(
  async (app) => {
    const { anonymous, user } = app.config.rateLimit
    const counters = new Counters(app.redis.limit ?? null, app.config.redis.keyPrefix, app.log)
    const ownCounters = new Counters(null, app.config.redis.keyPrefix, app.log)
    /** The key generators of limits that this process counts alone. */
    const countedHere = new Set<unknown>()
    /** Somebody reads by an admin link, which is an account's worth: what follows is counted by its network all the same. */
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
      // Each function here is awaited for every request: this one is needed where a limit is off.
      ...(anonymous === 0 || user === 0 ? { allowList: (request: FastifyRequest) => maxOf(request) === 0 } : {}),
      timeWindow: HOUR_MS,
      keyGenerator: (request) => {
        if (request.account !== null) return `user:${request.account.id}`
        return isLink(request) ? `link:${networkKey(request.ip)}` : networkKey(request.ip)
      },
      errorResponseBuilder: () => tooMany()
    })

    const generousLimit = (name: string) => {
      const keyGenerator = ({ ip }: FastifyRequest) => `${name}:${networkKey(ip)}`
      countedHere.add(keyGenerator)
      return { max: GENEROUS, timeWindow: MINUTE_MS, allowList: () => anonymous === 0, keyGenerator }
    }
    app.decorate('operatorLimit', generousLimit('operator'))
    app.decorate('spareLimit', generousLimit('spare'))

    app.decorate('networkOf', ({ ip }) => networkKey(ip))
    app.decorate('countUnder', async (key, windowMs) => (anonymous === 0 ? null : counters.increment(key, windowMs)))

    const trust = proxyTrust(app.config.trustProxy)
    const remaining = ({ current, ttl }: Count) =>
      current > anonymous ? null : limitHeaders(anonymous, anonymous - current, ttl)
    app.decorate('countVisitor', (request) => {
      if (anonymous === 0) return {}
      const address = trust === false ? request.socket.remoteAddress : proxyAddr(request, trust)
      const count = counters.increment(networkKey(address), HOUR_MS)
      return count instanceof Promise ? count.then(remaining) : remaining(count)
    })
  },
  { name: 'rate-limit', dependencies: ['redis', 'admin-link', 'identity'] }
)

const knownAddresses = new LRUCache<string, string>({ max: MAX_KNOWN_ADDRESSES })

/** The key of a client: its IPv4 address, the network of its IPv6 address, or whatever a proxy wrote instead of one. */
export function networkKey(ip: string | undefined): string {
  const bare = bareAddress(ip)
  const known = knownAddresses.get(bare)
  if (known !== undefined) return known
  // A copy: a part of a header would keep all of it in memory.
  const copy = Buffer.from(bare, 'latin1').toString('latin1')
  const key = `ip:${normalizeIP(copy)}`
  knownAddresses.set(copy, key)
  return key
}

/** The headers of a limit, as the library sets them; `ttlMs` is how much longer its window is open. */
export function limitHeaders(max: number, remaining: number, ttlMs: number): Headers {
  return {
    'x-ratelimit-limit': String(max),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(Math.ceil(ttlMs / 1000))
  }
}

/** 429 with the headers of a limit that is used up, of which the window is open for `ttlMs` more. */
export function usedUp(max: number, ttlMs: number, message?: string): ApiError {
  return tooMany({ ...limitHeaders(max, 0, ttlMs), 'retry-after': String(Math.ceil(ttlMs / 1000)) }, message)
}

/** 429. */
export function tooMany(
  headers?: Headers,
  message = 'too many requests: Retry-After says when to come back'
): ApiError {
  // Who goes on needs a new connection for each request.
  return new ApiError(429, 'RATE_LIMITED', message, { ...headers, Connection: 'close' })
}
