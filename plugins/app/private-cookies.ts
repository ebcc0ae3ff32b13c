import fp from 'fastify-plugin'

/** No shared cache may store an answer that sets a cookie, whatever the route says. */
export default fp(
  async (app) => {
    app.addHook('onSend', (_request, reply, payload, done) => {
      if (reply.hasHeader('set-cookie')) {
        reply.removeHeader('x-accel-expires').header('Cache-Control', 'private, no-store')
      }
      done(null, payload)
    })
  },
  { name: 'private-cookies', dependencies: ['session', 'response-cache'] }
)
