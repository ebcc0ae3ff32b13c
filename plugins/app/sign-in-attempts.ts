import { createHash } from 'node:crypto'
import type { RateLimitOptions } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Slowdown } from '#limits/slowdown.ts'
import { normalize } from '#mail/address.ts'
import { browserCookieName, KnownBrowsers } from '#sessions/known-browsers.ts'
import { cookieAttributes } from '#sessions/session-cookie.ts'
import type { Credentials } from '#users/shapes.ts'
import { limitExceeded, tooManyRequests } from '../external/rate-limit.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * For routes that check passwords: ten attempts per minute and network, over all of these routes together. Known
     * browsers of an account, and users who confirm with their own password, have separate counters.
     */
    readonly attemptLimit: RateLimitOptions
    /** A preHandler for the same routes: limits the attempts of a network that have separate counters. */
    limitKnownAttempts(request: FastifyRequest): Promise<void>
    /**
     * A preHandler for the login: slows down guesses at one account from many networks, except in known browsers of the
     * account.
     */
    slowGuesses(request: FastifyRequest<{ Body: Credentials }>): Promise<void>
  }
}

const MINUTE_MS = 60_000
const DAY_S = 86_400
/**
 * Attempts per minute of one network, of the known browsers of one account, or of one user confirming with a password.
 */
const ATTEMPTS = 10
/** Attempts per minute and network with separate counters: accounts are free, and each one provides such a counter. */
const KNOWN_ATTEMPTS = 60
/** Attempts per minute on one account, by all networks together, before further ones are slowed down. */
const UNSLOWED_ATTEMPTS = 20
/**
 * At most 80 slowed attempts per minute on one account: with the unslowed ones, 6,000 an hour in each process, from
 * however many networks.
 */
const SLOWED = { delayMs: 3000, waitingOfKey: 4, waiting: 200 }
const BROWSER_KNOWN_S = 365 * DAY_S

/**
 * Limits attempts to sign in: guessing is bounded, and wrong passwords from elsewhere do not lock out the owner of an
 * account.
 */
export default fp(
  async (app) => {
    const { production, rateLimit, session } = app.config
    const browsers = new KnownBrowsers(session.secrets)
    const cookieName = browserCookieName(production)
    const slowdown = new Slowdown(SLOWED)

    app.decorate('attemptLimit', {
      max: ATTEMPTS,
      timeWindow: MINUTE_MS,
      allowList: () => rateLimit.anonymous === 0,
      keyGenerator: (request) => ownKey(request) ?? networkKey(request)
    } satisfies RateLimitOptions)

    app.decorate('limitKnownAttempts', async (request) => {
      if (ownKey(request) !== null) await limit(`attempt:known:${app.networkOf(request)}`, KNOWN_ATTEMPTS)
    })

    app.decorate('slowGuesses', async (request) => {
      const cookie = request.cookies[cookieName]
      const email = normalize(request.body.email)
      if (browsers.idIn(cookie) !== null) {
        const holder = await app.accounts.holderOf(request.body.email)
        if (holder !== null && browsers.knows(cookie, holder)) return
        // The cookie is for another account or outdated: count the attempt like any other in the network.
        await limit(networkKey(request), ATTEMPTS)
      }
      const key = digest(email)
      const count = await app.incrementCounter(`attempt:account:${key}`, MINUTE_MS)
      if (count === null || count.current <= UNSLOWED_ATTEMPTS || (await slowdown.wait(key))) return
      throw tooManyRequests({ 'retry-after': String(SLOWED.delayMs / 1000) })
    })

    async function limit(key: string, max: number): Promise<void> {
      const count = await app.incrementCounter(key, MINUTE_MS)
      if (count === null || count.current <= max) return
      throw limitExceeded(max, count.ttl)
    }

    /** The separate counter of an attempt; null if it counts towards its network. */
    function ownKey({ account, token, cookies, routeOptions }: FastifyRequest): string | null {
      // Only with a session: a stolen token must not use up the attempts its user needs to change the password.
      const takesOwnPassword = account !== null && token === null && routeOptions.config.beginsSession !== true
      if (takesOwnPassword) return `attempt:user:${account.id}`
      const id = browsers.idIn(cookies[cookieName])
      return id === null ? null : `attempt:browsers:${id}`
    }

    const networkKey = (request: FastifyRequest) => `attempt:${app.networkOf(request)}`

    // After the hook of sessions, so that the session cookie comes first.
    app.addHook('onSend', (request, reply, payload, done) => {
      const { signedInAs, cookies } = request
      if (signedInAs !== null && !browsers.knows(cookies[cookieName], signedInAs)) {
        const value = browsers.issue(signedInAs)
        reply.setCookie(cookieName, value, {
          ...cookieAttributes(production, app.config.session.sameSite),
          maxAge: BROWSER_KNOWN_S
        })
      }
      done(null, payload)
    })
  },
  { name: 'sign-in-attempts', dependencies: ['cookie', 'identity', 'rate-limit', 'session'] }
)

/** Keeps keys in a fixed alphabet and without personal data. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
