import cors, { type FastifyCorsOptions } from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

const EXPOSED_HEADERS = [
  'ETag',
  'Location',
  'Retry-After',
  'X-Request-Id',
  'X-Cache',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset'
]

/** Front ends on the list in CORS_ORIGINS may use the API from their own origin. */
export default fp(
  async (app) => {
    const options: FastifyCorsOptions = {
      // An OPTIONS that is no preflight is answered as one: 204, and not a text of the library.
      strictPreflight: false,
      origin: [...app.config.corsOrigins],
      credentials: true,
      methods: 'GET, HEAD, POST, PUT, PATCH, DELETE',
      exposedHeaders: EXPOSED_HEADERS.join(', ')
    }
    await app.register(cors, {
      // Most requests have no Origin: their answers say only that another origin might get another answer (`Vary`).
      delegator: ({ headers, method }: FastifyRequest, callback: DelegatorCallback) => {
        callback(null, headers.origin === undefined && method !== 'OPTIONS' ? { origin: false } : options)
      }
    })
  },
  { name: 'cors' }
)

type DelegatorCallback = (error: null, options: FastifyCorsOptions) => void
