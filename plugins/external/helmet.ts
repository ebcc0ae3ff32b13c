import fp from 'fastify-plugin'
import { securityHeaders } from '#http/security-headers.ts'

/** Sets the security headers of helmet on every response but those to preflights, which end in `cors`. */
export default fp(
  async (app) => {
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(securityHeaders)
      done()
    })
  },
  { name: 'helmet' }
)
