import type { FastifyContextConfig, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { type AccessScope, scopeOf } from '#access-tokens/scopes.ts'
import { challenge } from '#http/bearer.ts'
import { ApiError } from '#http/errors.ts'
import type { Account } from '#users/accounts.ts'
import { notSignedIn } from './identity.ts'
import { hookList } from './route-hooks.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Visitors may call the route. A route without this needs a session or an access token. */
    public?: boolean
    /** Only accounts with this role may call the route. */
    role?: 'admin'
    /** The scope that an access token needs for writes, if it is not `write`. */
    scope?: AccessScope
    /** Access tokens are refused, because the route manages sessions, accounts or tokens. */
    sessionOnly?: boolean
  }
}

/**
 * Secure by default: a route refuses visitors unless its `config` says `public`, and every route refuses an access
 * token that is wrong or lacks the scope. The check is a hook of the route, because those run after the hooks of all
 * plugins: by then, identity has found the account, and the rate limit has counted the request.
 */
export default fp(
  async (app) => {
    app.addHook('onRoute', (route) => {
      if (!route.config?.otherMethod) route.onRequest = [...hookList(route.onRequest), authorize]
    })

    function authorize(request: FastifyRequest, _reply: unknown, done: HookHandlerDoneFunction): void {
      const refusal = tokenRefusalOf(request) ?? refusalOf(request.account, request.routeOptions.config)
      if (refusal === null || app.hasAdminLink(request)) done()
      else done(refusal)
    }
  },
  { name: 'access', dependencies: ['admin-link', 'identity', 'rate-limit'] }
)

/** Why the route refuses the access token of the request; null if it accepts the token, or there is none. */
function tokenRefusalOf({ token, tokenRefusal, method, routeOptions: { config } }: FastifyRequest): ApiError | null {
  if (token === null) return tokenRefusal
  if (config.sessionOnly)
    return new ApiError(403, 'SESSION_ONLY', 'this operation requires a session: access tokens are refused')
  const scope = scopeOf(method, config)
  if (token.scopes.includes(scope)) return null
  return new ApiError(403, 'INSUFFICIENT_SCOPE', `the access token lacks the scope ${scope}`, {
    'WWW-Authenticate': challenge('insufficient_scope', scope)
  })
}

/** Why the route refuses this account, or a visitor (null); null if access is allowed. */
export function refusalOf(account: Account | null, { role, public: isPublic }: FastifyContextConfig): ApiError | null {
  // Read at request time: an onRoute hook that makes a library's routes public runs after the one above.
  if (isPublic && role === undefined) return null
  if (account === null) return notSignedIn()
  if (role === undefined || account.role === role) return null
  return new ApiError(403, 'ADMINS_ONLY', 'only admins may do this')
}
