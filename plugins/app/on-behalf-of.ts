import fp from 'fastify-plugin'
import { onBehalfOf } from '#database/on-behalf-of.ts'

/**
 * Attributes the database work of a request to its client, so that no client uses up a whole bulkhead: to the user, or
 * to the network of a visitor if addresses identify clients (`RATE_LIMIT_ANONYMOUS` is not 0).
 */
export default fp(
  async (app) => {
    const addressesIdentifyClients = app.config.rateLimit.anonymous > 0
    // A cache hit never gets here.
    app.addHook('preHandler', (request, _reply, done) => {
      if (request.account !== null) onBehalfOf(`user:${request.account.id}`, done)
      else if (addressesIdentifyClients) onBehalfOf(app.networkOf(request), done)
      else done()
    })
  },
  { name: 'on-behalf-of', dependencies: ['identity', 'rate-limit'] }
)
