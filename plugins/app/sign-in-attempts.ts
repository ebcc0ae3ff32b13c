import { createHash } from 'node:crypto'
import type { RateLimitOptions } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Slowdown } from '#limits/slowdown.ts'
import { normalize } from '#mail/address.ts'
import { browserCookieName, KnownBrowsers } from '#sessions/known-browsers.ts'
import { cookieAttributes } from '#sessions/session-cookie.ts'
import type { Credentials } from '#users/shapes.ts'
import { tooMany, usedUp } from '../external/rate-limit.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * For a route that takes passwords: ten attempts a minute of one network, over all of these routes together. The browsers in which one
     * account has signed in before, and the user who gives his own password, have counters of their own.
     */
    readonly attemptLimit: RateLimitOptions
    /** A preHandler of the same routes: bounds the attempts of one network that have counters of their own. */
    limitKnownAttempts(request: FastifyRequest): Promise<void>
    /** A preHandler of the login: slows guesses at one account from many networks, but for a browser in which it has signed in before. */
    slowGuesses(request: FastifyRequest<{ Body: Credentials }>): Promise<void>
  }
}

const MINUTE_MS = 60_000
const DAY_S = 86_400
/** Attempts a minute of one network, of the known browsers of one account, or of one user at his own password. */
const ATTEMPTS = 10
/** Attempts a minute of one network that have counters of their own: accounts are free, and each gives one. */
const KNOWN_ATTEMPTS = 60
/** Attempts a minute on one account, by all networks together, before the next are slowed. */
const UNSLOWED_ATTEMPTS = 20
/** So slowed attempts on an account pass 80 times a minute at most: with the others 6,000 an hour in each process, from however many networks. */
const SLOWED = { delayMs: 3000, waitingOfKey: 4, waiting: 200 }
const BROWSER_KNOWN_S = 365 * DAY_S

/** Attempts to sign in: wrong passwords of others neither refuse the owner of an account nor go on for ever. */
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
        // Known, but for another account, or no longer: here it is as good as any client of its network.
        await limit(networkKey(request), ATTEMPTS)
      }
      const key = digest(email)
      const count = await app.countUnder(`attempt:account:${key}`, MINUTE_MS)
      if (count === null || count.current <= UNSLOWED_ATTEMPTS || (await slowdown.wait(key))) return
      throw tooMany({ 'retry-after': String(SLOWED.delayMs / 1000) })
    })

    async function limit(key: string, max: number): Promise<void> {
      const count = await app.countUnder(key, MINUTE_MS)
      if (count === null || count.current <= max) return
      throw usedUp(max, count.ttl)
    }

    /** Null for an attempt that counts for its network. */
    function ownKey({ account, token, cookies, routeOptions }: FastifyRequest): string | null {
      // Of a session: who has stolen a token must not use up what its user has to change his password.
      const takesOwnPassword = account !== null && token === null && routeOptions.config.beginsSession !== true
      if (takesOwnPassword) return `attempt:user:${account.id}`
      const id = browsers.idIn(cookies[cookieName])
      return id === null ? null : `attempt:browsers:${id}`
    }

    const networkKey = (request: FastifyRequest) => `attempt:${app.networkOf(request)}`

    // After the hook of sessions, whose cookie so comes first.
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

/** Keys have a fixed alphabet, and disclose nothing. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
