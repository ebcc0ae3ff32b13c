import fp from 'fastify-plugin'
import { LineLimit } from '#bounds/line-limit.ts'
import { bearerToken } from '#http/bearer.ts'
import { ApiError } from '#http/errors.ts'
import { HANG_UP } from './errors.ts'

/** How much of what a client sent is logged. */
const MAX_LOGGED = 512
/** A second. */
const MAX_LINES = 20
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Refuses changes from foreign origins: a browser sends the cookie with them, whoever made its page (CSRF). */
export default fp(
  async (app) => {
    const { corsOrigins } = app.config
    const lines = new LineLimit(MAX_LINES)
    // A browser sends forms and plain text across origins without asking first; JSON it does not.
    app.removeContentTypeParser('text/plain')

    app.addHook('onRequest', (request, _reply, done) => {
      const { origin } = request.headers
      if (SAFE_METHODS.has(request.method) || origin === undefined) return done()
      // Only a program sends a token, never a browser by itself; and the cookies beside a token are ignored.
      if (bearerToken(request.headers.authorization) !== null) return done()
      const own = `${request.protocol}://${request.host}`
      if (corsOrigins.includes(origin) || origin === own) return done()
      const counted = lines.take()
      if (counted !== null) {
        request.log.info(
          { origin: origin.slice(0, MAX_LOGGED), own: own.slice(0, MAX_LOGGED), ...counted },
          'a change from a foreign origin was refused; if it is a front end of yours, name it in CORS_ORIGINS; if own should be https, set TRUST_PROXY'
        )
      }
      done(new ApiError(403, 'FOREIGN_ORIGIN', `${origin} may not change anything here`, HANG_UP))
    })
  },
  { name: 'origin-check', dependencies: ['errors'] }
)
