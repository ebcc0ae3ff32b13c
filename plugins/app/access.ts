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
    /** Visitors may call the route. A route that has neither this nor a role needs a session. */
    public?: boolean
    /** Only accounts with this role may call the route. */
    role?: 'admin'
    /** The scope that an access token needs for its changes, where it is not `write`. */
    scope?: AccessScope
    /** Access tokens are refused: it is about signing in, or about tokens. */
    sessionOnly?: boolean
  }
}

/**
 * Secure by default: a route is closed to visitors unless its `config` says `public`, and any route to an access token that is wrong or
 * lacks the scope. The check is a hook of the route, because those run after the hooks of all plugins, in the order in which they were
 * added: identity has found the account by then, and the rate limit has counted the request.
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

/** Why the route is closed to the access token of the request; null where it is open, or no token came. */
function tokenRefusalOf({ token, tokenRefusal, method, routeOptions: { config } }: FastifyRequest): ApiError | null {
  if (token === null) return tokenRefusal
  if (config.sessionOnly) return new ApiError(403, 'SESSION_ONLY', 'sign in for this: access tokens are refused here')
  const scope = scopeOf(method, config)
  if (token.scopes.includes(scope)) return null
  return new ApiError(403, 'INSUFFICIENT_SCOPE', `the access token lacks the scope ${scope}`, {
    'WWW-Authenticate': challenge('insufficient_scope', scope)
  })
}

/** Why the route is closed to this account, or to a visitor where that is null; null where it is open. */
export function refusalOf(account: Account | null, { role, public: isPublic }: FastifyContextConfig): ApiError | null {
  // The routes of a library are opened by an onRoute hook around it, which runs after the one above.
  if (isPublic && role === undefined) return null
  if (account === null) return notSignedIn()
  if (role === undefined || account.role === role) return null
  return new ApiError(403, 'ADMINS_ONLY', 'only admins may do this')
}
