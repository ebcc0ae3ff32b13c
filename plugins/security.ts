import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import underPressure from '@fastify/under-pressure'
import Fastify from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '../src/errors.ts'

const MAX_EVENT_LOOP_DELAY_MS = 1000
const SETTLING_MS = 3000
/** How much of what a client sent is logged. */
const MAX_LOGGED = 512
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What stands between the internet and the routes: headers, origins, overload. */
export default fp(
  async (app) => {
    const { corsOrigins } = app.config
    const careful = await helmetHeaders()
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(careful)
      done()
    })
    await app.register(cors, {
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
    let settledAt = Number.POSITIVE_INFINITY
    app.addHook('onListen', async () => {
      settledAt = performance.now() + SETTLING_MS
    })
    await app.register(underPressure, {
      maxEventLoopDelay: MAX_EVENT_LOOP_DELAY_MS,
      pressureHandler: ({ routeOptions }) => {
        // Whoever watches must see it: health and metrics are answered always.
        if (routeOptions.config.rateLimit === false) return
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
  { name: 'security', dependencies: ['errors', 'timing'] }
)

/**
 * The headers that helmet sends, which never change, taken from an answer of its plugin: that builds them anew for every
 * request, which would cost a cached answer a third of its speed.
 */
async function helmetHeaders(): Promise<Record<string, string>> {
  const app = Fastify()
  try {
    await app.register(helmet, {
      contentSecurityPolicy: {
        directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
        useDefaults: false
      }
    })
    app.get('/', async () => '')
    const { headers } = await app.inject('/')
    const ofHelmet = Object.entries(headers).filter(
      ([name]) => !/^(content-(type|length)|date|connection|keep-alive)$/.test(name)
    )
    return Object.fromEntries(ofHelmet.map(([name, value]) => [name, String(value)]))
  } finally {
    await app.close()
  }
}
