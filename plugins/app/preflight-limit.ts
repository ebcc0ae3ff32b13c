import fp from 'fastify-plugin'
import { Counters } from '#limits/counters.ts'
import { GENEROUS, limitHeaders, MINUTE_MS, networkKey, tooMany } from '../external/rate-limit.ts'

/** Preflights end in the plugin cors, before the rate limit of routes: they have one of their own, by address, in this process. */
export default fp(
  async (app) => {
    const { config, log } = app
    if (config.rateLimit.anonymous === 0) return
    const counters = new Counters(null, config.redis.keyPrefix, log)
    app.addHook('onRequest', (request, reply, done) => {
      if (request.method !== 'OPTIONS') return done()
      Promise.resolve(counters.increment(networkKey(request.ip), MINUTE_MS)).then(({ current, ttl }) => {
        const headers = limitHeaders(GENEROUS, Math.max(0, GENEROUS - current), ttl)
        if (current > GENEROUS) done(tooMany({ ...headers, 'retry-after': String(Math.ceil(ttl / 1000)) }))
        else {
          reply.headers(headers)
          done()
        }
      }, done)
    })
  },
  { name: 'preflight-limit' }
)
