import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { AccessTokens, type Grant } from '#access-tokens/access-tokens.ts'
import { digestOf, isToken } from '#access-tokens/token.ts'
import { LastUse } from '#database/last-use.ts'
import { onBehalfOf } from '#database/on-behalf-of.ts'
import { bearerToken, challenge } from '#http/bearer.ts'
import { ApiError } from '#http/errors.ts'
import { limitExceeded, MINUTE_MS } from '../external/rate-limit.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly accessTokens: AccessTokens
    /**
     * The current grant of the bearer token. Throws 401 for a wrong token, 429 after too many wrong ones, and what the
     * database throws.
     */
    grantOf(request: FastifyRequest): Promise<Grant>
  }
  interface FastifyRequest {
    /** The bearer token of a request to the API, whatever it looks like; null if there is none. */
    bearer: string | null
  }
}

/** Different wrong tokens per minute and network. */
const WRONG_TOKENS = 10
/** The size of each list below. */
const MAX_REMEMBERED = 10_000

/**
 * Personal access tokens, `Authorization: Bearer`. Every request looks its token up in the database, so that a revoked
 * one is refused at once, by every process. With a token, cookies are ignored; a browser cannot be tricked into sending
 * one (no CSRF).
 */
export default fp(
  async (app) => {
    const tokens = new AccessTokens(app.database)
    const lastUse = new LastUse({
      what: 'access tokens',
      withinMs: MINUTE_MS,
      write: (ids) => tokens.markUsed(ids),
      log: app.log
    })
    app.addHook('onClose', () => lastUse.settled())
    app.decorate('accessTokens', tokens)

    app.decorateRequest('bearer', null)
    app.addHook('onRequest', (request, _reply, done) => {
      // Health, metrics and pages do not use tokens: a request with one is answered like any other.
      if (request.routeOptions.url?.startsWith('/api/v1') !== true) return done()
      request.bearer = bearerToken(request.headers.authorization)
      // Before any plugin reads them.
      if (request.bearer !== null) delete request.raw.headers.cookie
      done()
    })

    /** Accepted tokens, by digest. They keep working when others in the same network send wrong ones. */
    const accepted = new LRUCache<string, true>({ max: MAX_REMEMBERED })
    /**
     * Refused tokens, by digest. A wrong token never becomes valid, so it is looked up and counted once, even if a
     * script sends it for hours.
     */
    const refused = new LRUCache<string, true>({ max: MAX_REMEMBERED, ttl: MINUTE_MS })
    /** Until when unknown tokens of a network are refused without a look-up, in ms since 1970. */
    const exhausted = new LRUCache<string, number>({ max: MAX_REMEMBERED })

    app.decorate('grantOf', async (request) => {
      const { bearer } = request
      const network = app.networkOf(request)
      // A malformed token is refused without a look-up.
      const digest = bearer !== null && isToken(bearer) ? digestOf(bearer) : null
      if (digest === null || refused.has(digest)) throw invalidToken()
      if (!accepted.has(digest)) {
        const leftMs = (exhausted.get(network) ?? 0) - Date.now()
        if (leftMs > 0) throw limitExceeded(WRONG_TOKENS, leftMs)
      }
      const grant = await onBehalfOf(network, () => tokens.find(digest))
      if (grant !== null) {
        accepted.set(grant.digest, true)
        lastUse.note(grant.id, grant.lastUsedAt)
        return grant
      }
      accepted.delete(digest)
      refused.set(digest, true)
      const count = await app.incrementCounter(`attempt:token:${network}`, MINUTE_MS)
      if (count === null || count.current <= WRONG_TOKENS) throw invalidToken()
      exhausted.set(network, Date.now() + count.ttl)
      throw limitExceeded(WRONG_TOKENS, count.ttl)
    })
  },
  { name: 'access-tokens', dependencies: ['database'] }
)

/** 401: the token is wrong, was revoked or has expired. The message does not reveal which. */
export function invalidToken(): ApiError {
  return new ApiError(401, 'INVALID_TOKEN', 'the access token is wrong, has expired or was revoked', {
    'WWW-Authenticate': challenge('invalid_token')
  })
}
