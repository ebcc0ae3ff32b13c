import cookie from '@fastify/cookie'
import fp from 'fastify-plugin'

/** Cookies of requests, and `Set-Cookie`. */
export default fp(
  async (app) => {
    // Browsers accept a cookie with the prefix __Host- only with Secure, even to clear it.
    await app.register(cookie, { parseOptions: { secure: app.config.production } })
  },
  { name: 'cookie' }
)
