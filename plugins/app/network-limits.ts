import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { networkKey, usedUp } from '../external/rate-limit.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** A preHandler for the route that makes accounts: so many an hour of one network. */
    limitAccountsOfNetwork(request: FastifyRequest): Promise<void>
    /** A preHandler for routes that order letters: so many an hour of one network, to whatever addresses. */
    limitLettersOfNetwork(request: FastifyRequest): Promise<void>
    /** A preHandler for the route that begins generations: so many an hour of one network, whoever is signed in. */
    limitGenerationsOfNetwork(request: FastifyRequest): Promise<void>
  }
}

const HOUR_MS = 3_600_000
const LETTERS = 20

/**
 * Whoever has many accounts has as many limits: what they do together is counted by network, with higher ceilings. Off where
 * visitors are not limited, which says that addresses tell nobody apart.
 */
export default fp(
  async (app) => {
    const { requests, accounts, generations } = app.config.networkLimit
    app.decorate('limitAccountsOfNetwork', limitOf(app, 'accounts', accounts))
    app.decorate('limitLettersOfNetwork', limitOf(app, 'letters', LETTERS))
    app.decorate('limitGenerationsOfNetwork', limitOf(app, 'generations', generations))

    const limitRequests = limitOf(app, 'requests', requests)
    app.addHook('onRequest', (request, _reply, done) => {
      // Visitors are counted by network anyway, and so are routes with a limit of their own, as a logout, which must stay possible.
      if (request.account === null || request.routeOptions.config.rateLimit !== undefined) done()
      else limitRequests(request).then(() => done(), done)
    })
  },
  { name: 'network-limits', dependencies: ['rate-limit'] }
)

function limitOf(app: FastifyInstance, what: string, max: number): (request: FastifyRequest) => Promise<void> {
  if (max === 0 || app.config.rateLimit.anonymous === 0) return async () => {}
  const keyGenerator = ({ ip }: FastifyRequest) => `network:${what}:${networkKey(ip)}`
  const count = app.createRateLimit({ max, timeWindow: HOUR_MS, allowList: [], keyGenerator })
  return async (request) => {
    const counted = await count(request)
    if (counted.isAllowed || !counted.isExceeded) return
    const message = `your network has used up its ${max} ${what} of this hour: Retry-After says when to come back`
    throw usedUp(max, counted.ttl, message)
  }
}
