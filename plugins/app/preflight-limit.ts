import fp from 'fastify-plugin'
import { Counters } from '#limits/counters.ts'
import { GENEROUS, limitHeaders, MINUTE_MS, networkKey, usedUp } from '../external/rate-limit.ts'

/** Preflights end in the plugin cors, before the rate limit of routes: they have one of their own, by address, in this process. */
export default fp(
  async (app) => {
    const { config, log } = app
    if (config.rateLimit.anonymous === 0) return
    const counters = new Counters(null, config.redis.keyPrefix, log)
    app.addHook('onRequest', (request, reply, done) => {
      if (request.method !== 'OPTIONS') return done()
      Promise.resolve(counters.increment(networkKey(request.ip), MINUTE_MS)).then(({ current, ttl }) => {
        if (current > GENEROUS) done(usedUp(GENEROUS, ttl))
        else {
          reply.headers(limitHeaders(GENEROUS, GENEROUS - current, ttl))
          done()
        }
      }, done)
    })
  },
  { name: 'preflight-limit' }
)
