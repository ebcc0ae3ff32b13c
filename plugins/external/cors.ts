import cors from '@fastify/cors'
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
    await app.register(cors, {
      // An OPTIONS that is no preflight is answered as one: 204, and not a text of the library.
      strictPreflight: false,
      origin: [...app.config.corsOrigins],
      credentials: true,
      methods: 'GET, HEAD, POST, PUT, PATCH, DELETE',
      exposedHeaders: EXPOSED_HEADERS.join(', ')
    })
  },
  { name: 'cors' }
)
