import cors, { type FastifyCorsOptions } from '@fastify/cors'
import underPressure from '@fastify/under-pressure'
import fp from 'fastify-plugin'
import { ApiError } from '#http/errors.ts'

const MAX_EVENT_LOOP_DELAY_MS = 1000
const SETTLING_MS = 3000
/** How much of what a client sent is logged. */
const MAX_LOGGED = 512
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What stands between the internet and the routes: origins, overload. */
export default fp(
  async (app) => {
    const { corsOrigins } = app.config
    const { onRequest: answerOrigin } = await app.hooksOf<FastifyCorsOptions>(cors, {
      // An OPTIONS that is no preflight is answered as one: 204, and not a text of the library.
      strictPreflight: false,
      origin: [...corsOrigins],
      credentials: true,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: [
        'ETag',
        'Location',
        'Retry-After',
        'X-Request-Id',
        'X-Cache',
        'X-RateLimit-Limit',
        'X-RateLimit-Remaining',
        'X-RateLimit-Reset'
      ]
    })
    if (!answerOrigin) throw new Error('@fastify/cors adds another hook than it did')
    app.addHook('onRequest', function (request, reply, done) {
      if (request.headers.origin !== undefined || request.method === 'OPTIONS') {
        return answerOrigin.call(this, request, reply, done)
      }
      // To another origin the answer might be another.
      reply.header('Vary', 'Origin')
      done()
    })
    let settledAt = Number.POSITIVE_INFINITY
    app.addHook('onListen', async () => {
      settledAt = performance.now() + SETTLING_MS
    })
    await app.register(underPressure, {
      maxEventLoopDelay: MAX_EVENT_LOOP_DELAY_MS,
      pressureHandler: ({ route }) => {
        // Whoever watches must see it: health and metrics are answered always.
        if (route.config.rateLimit === false) return
        // What the start itself blocked the loop for says nothing about the load.
        if (performance.now() < settledAt) return
        throw new ApiError(503, 'OVERLOADED', 'the service is overloaded', { 'Retry-After': '2' })
      }
    })
    // A browser sends forms and plain text across origins without asking first; JSON it does not.
    app.removeContentTypeParser('text/plain')

    app.addHook('onRequest', (request, _reply, done) => {
      const { origin } = request.headers
      if (SAFE_METHODS.has(request.method) || origin === undefined) return done()
      const allowed = corsOrigins.includes(origin) || origin === `${request.protocol}://${request.host}`
      if (allowed) return done()
      request.log.info(
        { origin: origin.slice(0, MAX_LOGGED), own: `${request.protocol}://${request.host}`.slice(0, MAX_LOGGED) },
        'a change from a foreign origin was refused; if it is a front end of yours, name it in CORS_ORIGINS; if own should be https, set TRUST_PROXY'
      )
      done(new ApiError(403, 'FOREIGN_ORIGIN', `${origin} may not change anything here`))
    })
  },
  { name: 'security', dependencies: ['errors', 'response-head', 'library-hooks'] }
)
