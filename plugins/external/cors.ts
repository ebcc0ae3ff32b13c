import cors, { type FastifyCorsOptions } from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

/** How long browsers may cache a preflight, in seconds: the maximum of Chromium. */
const MAX_AGE_S = 7200

const EXPOSED_HEADERS = [
  'ETag',
  'Location',
  'Allow',
  'WWW-Authenticate',
  'Retry-After',
  'X-Request-Id',
  'X-Response-Time',
  'X-Cache',
  'X-Cache-Hits',
  'X-Cache-Misses',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset'
]

/** Allows the front ends in CORS_ORIGINS to use the API from their own origin. */
export default fp(
  async (app) => {
    const options: FastifyCorsOptions = {
      maxAge: MAX_AGE_S,
      origin: [...app.config.corsOrigins],
      credentials: true,
      methods: 'GET, HEAD, POST, PUT, PATCH, DELETE',
      exposedHeaders: EXPOSED_HEADERS.join(', ')
    }
    const allowed = new Set(app.config.corsOrigins)
    // Lets their scripts see the timing of requests in detail (`PerformanceResourceTiming`).
    app.addHook('onRequest', ({ headers }, reply, done) => {
      const { origin } = headers
      if (origin !== undefined && allowed.has(origin)) reply.header('Timing-Allow-Origin', origin)
      done()
    })
    await app.register(cors, {
      // Most requests have no Origin: their answers only get `Vary`, because other origins may get other answers.
      delegator: ({ headers, method }: FastifyRequest, callback: DelegatorCallback) => {
        const isPreflight = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
        // An OPTIONS that is not a preflight asks for the methods of a path (plugins/app/other-methods.ts).
        callback(null, headers.origin === undefined ? { origin: false } : { ...options, preflight: isPreflight })
      }
    })
  },
  { name: 'cors' }
)

type DelegatorCallback = (error: null, options: FastifyCorsOptions) => void
