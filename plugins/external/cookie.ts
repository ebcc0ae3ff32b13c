import cookie from '@fastify/cookie'
import fp from 'fastify-plugin'

/** Cookies of requests, and `Set-Cookie`. */
export default fp(
  async (app) => {
    // Browsers take a cookie of the prefix __Host- only with Secure: also one that clears it.
    await app.register(cookie, { parseOptions: { secure: app.config.production } })
  },
  { name: 'cookie' }
)
