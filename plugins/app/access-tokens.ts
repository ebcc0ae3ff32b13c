import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { AccessTokens, type Grant } from '#access-tokens/access-tokens.ts'
import { digestOf, isToken } from '#access-tokens/token.ts'
import { LastUse } from '#database/last-use.ts'
import { onBehalfOf } from '#database/on-behalf-of.ts'
import { bearerToken, challenge } from '#http/bearer.ts'
import { ApiError } from '#http/errors.ts'
import { MINUTE_MS, usedUp } from '../external/rate-limit.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly accessTokens: AccessTokens
    /** What the bearer token of the request gives now. Throws 401 for a wrong one, 429 after too many, and what the database throws. */
    grantOf(request: FastifyRequest): Promise<Grant>
  }
  interface FastifyRequest {
    /** The bearer token that a request to the API brings, whatever it looks like; null where it brings none. */
    bearer: string | null
  }
}

/** Different wrong tokens a minute of one network. */
const WRONG_TOKENS = 10
/** Tokens that this process has accepted, or refused, and networks that have sent too many wrong ones. */
const MAX_REMEMBERED = 10_000

/**
 * Personal access tokens, `Authorization: Bearer`. A token is looked up in the database at each request that brings it, so that one that was
 * revoked is refused at once, by every process. Where one comes, cookies mean nothing: who sends it is no browser that was tricked into it.
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
      // Health, metrics and pages take none: whoever sends one there is answered as any visitor.
      if (request.routeOptions.url?.startsWith('/api/v1') !== true) return done()
      request.bearer = bearerToken(request.headers.authorization)
      // Before anybody reads them.
      if (request.bearer !== null) delete request.raw.headers.cookie
      done()
    })

    /** By their digests. Wrong tokens of others in the same network do not refuse these. */
    const accepted = new LRUCache<string, true>({ max: MAX_REMEMBERED })
    /** By their digests. No token becomes a good one later: it is looked for and counted once, as a script may send it for hours. */
    const refused = new LRUCache<string, true>({ max: MAX_REMEMBERED, ttl: MINUTE_MS })
    /** Until when no unknown token of a network is looked for. */
    const exhausted = new LRUCache<string, number>({ max: MAX_REMEMBERED })

    app.decorate('grantOf', async (request) => {
      const { bearer } = request
      const network = app.networkOf(request)
      // What is no token by its form costs nothing to refuse.
      const digest = bearer !== null && isToken(bearer) ? digestOf(bearer) : null
      if (digest === null || refused.has(digest)) throw invalidToken()
      if (!accepted.has(digest)) {
        const leftMs = (exhausted.get(network) ?? 0) - Date.now()
        if (leftMs > 0) throw usedUp(WRONG_TOKENS, leftMs)
      }
      const grant = await onBehalfOf(network, () => tokens.find(digest))
      if (grant !== null) {
        accepted.set(grant.digest, true)
        lastUse.note(grant.id, grant.lastUsedAt)
        return grant
      }
      accepted.delete(digest)
      refused.set(digest, true)
      const count = await app.countUnder(`attempt:token:${network}`, MINUTE_MS)
      if (count === null || count.current <= WRONG_TOKENS) throw invalidToken()
      exhausted.set(network, Date.now() + count.ttl)
      throw usedUp(WRONG_TOKENS, count.ttl)
    })
  },
  { name: 'access-tokens', dependencies: ['database'] }
)

/** 401: the token is none, was revoked, or its time is over. It is not said which. */
export function invalidToken(): ApiError {
  return new ApiError(401, 'INVALID_TOKEN', 'the access token is wrong, has expired or was revoked', {
    'WWW-Authenticate': challenge('invalid_token')
  })
}
