import type { FastifyContextConfig, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
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
  }
}

/**
 * Secure by default: a route is closed to visitors unless its `config` says `public`. The check is a hook of the route, because those run
 * after the hooks of all plugins, in the order in which they were added: identity has found the account by then, and the rate limit has
 * counted the request.
 */
export default fp(
  async (app) => {
    app.addHook('onRoute', (route) => {
      const { role, public: isPublic } = route.config ?? {}
      if (isPublic && role === undefined) return
      route.onRequest = [...hookList(route.onRequest), authorize]
    })
  },
  { name: 'access', dependencies: ['identity', 'rate-limit'] }
)

function authorize({ account, routeOptions }: FastifyRequest, _reply: unknown, done: HookHandlerDoneFunction): void {
  const refusal = refusalOf(account, routeOptions.config)
  if (refusal === null) done()
  else done(refusal)
}

/** Why the route is closed to this account, or to a visitor where that is null; null where it is open. */
export function refusalOf(account: Account | null, { role, public: isPublic }: FastifyContextConfig): ApiError | null {
  // The routes of a library are opened by an onRoute hook around it, which runs after the one above.
  if (isPublic && role === undefined) return null
  if (account === null) return notSignedIn()
  if (role === undefined || account.role === role) return null
  return new ApiError(403, 'ADMINS_ONLY', 'only admins may do this')
}
