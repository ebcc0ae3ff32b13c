import type { FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '#http/errors.ts'
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
  const { role, public: isPublic } = routeOptions.config
  // The routes of a library are opened by an onRoute hook around it, which runs after the one above.
  if (isPublic && role === undefined) done()
  else if (account === null) done(notSignedIn())
  else if (role !== undefined && account.role !== role) {
    done(new ApiError(403, 'ADMINS_ONLY', 'only admins may do this'))
  } else done()
}
