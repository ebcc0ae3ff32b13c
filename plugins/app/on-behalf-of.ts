import fp from 'fastify-plugin'
import { onBehalfOf } from '#database/on-behalf-of.ts'

/**
 * What a request asks of the database counts as its client's, so that nobody takes all of a share from the others: a user, or the network
 * of a visitor, where addresses tell clients apart (`RATE_LIMIT_ANONYMOUS`).
 */
export default fp(
  async (app) => {
    const addressesTellApart = app.config.rateLimit.anonymous > 0
    // A hit in the cache has been answered before, and costs nothing here.
    app.addHook('preHandler', (request, _reply, done) => {
      if (request.account !== null) onBehalfOf(`user:${request.account.id}`, done)
      else if (addressesTellApart) onBehalfOf(app.networkOf(request), done)
      else done()
    })
  },
  { name: 'on-behalf-of', dependencies: ['identity', 'rate-limit'] }
)
