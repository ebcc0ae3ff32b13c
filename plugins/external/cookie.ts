import cookie from '@fastify/cookie'
import fp from 'fastify-plugin'

/** Cookies of requests, and `Set-Cookie`. */
export default fp(
  async (app) => {
    await app.register(cookie)
  },
  { name: 'cookie' }
)
