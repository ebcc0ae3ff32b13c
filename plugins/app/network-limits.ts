import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { limitExceeded, networkKey } from '../external/rate-limit.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** A preHandler for the route that creates accounts: limits them per hour and network. */
    limitAccountsOfNetwork(request: FastifyRequest): Promise<void>
    /** A preHandler for routes that order letters: limits them per hour and network, whatever the addresses. */
    limitLettersOfNetwork(request: FastifyRequest): Promise<void>
    /** A preHandler for routes that start generations: limits them per hour and network, whoever is signed in. */
    limitGenerationsOfNetwork(request: FastifyRequest): Promise<void>
  }
}

const HOUR_MS = 3_600_000
const LETTERS = 20

/**
 * Limits per network, higher than those per account: without them, somebody with many accounts could multiply the
 * latter. Off if visitors have no limit, which means that addresses do not identify clients.
 */
export default fp(
  async (app) => {
    const { requests, accounts, generations } = app.config.networkLimit
    app.decorate('limitAccountsOfNetwork', limitOf(app, 'accounts', accounts))
    app.decorate('limitLettersOfNetwork', limitOf(app, 'letters', LETTERS))
    app.decorate('limitGenerationsOfNetwork', limitOf(app, 'generations', generations))

    const limitRequests = limitOf(app, 'requests', requests)
    app.addHook('onRequest', (request, _reply, done) => {
      // Visitors are already counted by network. Routes with their own limit, such as logout, must stay usable.
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
    const message = `your network has used up its ${max} ${what} for this hour: Retry-After says when to try again`
    throw limitExceeded(max, counted.ttl, message)
  }
}
