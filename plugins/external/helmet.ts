import fp from 'fastify-plugin'
import { securityHeaders } from '#http/security-headers.ts'

/** Sets the security headers that helmet has written on every response. */
export default fp(
  async (app) => {
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(securityHeaders)
      done()
    })
  },
  { name: 'helmet' }
)
