import fp from 'fastify-plugin'
import { Counters } from '#limits/counters.ts'
import { GENEROUS_MAX, limitExceeded, limitHeaders, MINUTE_MS, networkKey } from '../external/rate-limit.ts'

/**
 * Preflights end in the plugin cors, before the rate limit of routes, so they have their own limit, by network, in this
 * process.
 */
export default fp(
  async (app) => {
    const { config, log } = app
    if (config.rateLimit.anonymous === 0) return
    const counters = new Counters(null, config.redis.keyPrefix, log)
    app.addHook('onRequest', (request, reply, done) => {
      if (request.method !== 'OPTIONS') return done()
      Promise.resolve(counters.increment(networkKey(request.ip), MINUTE_MS)).then(({ current, ttl }) => {
        if (current > GENEROUS_MAX) done(limitExceeded(GENEROUS_MAX, ttl))
        else {
          reply.headers(limitHeaders(GENEROUS_MAX, GENEROUS_MAX - current, ttl))
          done()
        }
      }, done)
    })
  },
  { name: 'preflight-limit' }
)
