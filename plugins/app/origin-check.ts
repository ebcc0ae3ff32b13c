import fp from 'fastify-plugin'
import { LineLimit } from '#bounds/line-limit.ts'
import { bearerToken } from '#http/bearer.ts'
import { ApiError } from '#http/errors.ts'
import { CLOSE_CONNECTION } from './errors.ts'

/** The longest client-supplied value in the log, in characters. */
const MAX_LOGGED = 512
/** Log lines per second. */
const MAX_LINES = 20
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses writes from foreign origins: a browser sends the cookie along, whatever page the request comes from (CSRF).
 */
export default fp(
  async (app) => {
    const { corsOrigins } = app.config
    const lines = new LineLimit(MAX_LINES)
    // Browsers send plain text across origins without a preflight, but not JSON.
    app.removeContentTypeParser('text/plain')

    app.addHook('onRequest', (request, _reply, done) => {
      const { origin } = request.headers
      if (SAFE_METHODS.has(request.method) || origin === undefined) return done()
      // A browser never sends a token on its own, and cookies beside a token are ignored.
      if (bearerToken(request.headers.authorization) !== null) return done()
      const own = `${request.protocol}://${request.host}`
      if (corsOrigins.includes(origin) || origin === own) return done()
      const counted = lines.take()
      if (counted !== null) {
        request.log.info(
          { origin: origin.slice(0, MAX_LOGGED), own: own.slice(0, MAX_LOGGED), ...counted },
          'a write from a foreign origin was refused; if it is your front end, add it to CORS_ORIGINS; if own should be https, set TRUST_PROXY'
        )
      }
      done(new ApiError(403, 'FOREIGN_ORIGIN', `writes from the origin ${origin} are not allowed`, CLOSE_CONNECTION))
    })
  },
  { name: 'origin-check', dependencies: ['errors'] }
)
