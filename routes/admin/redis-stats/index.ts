import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { challenge } from '#http/bearer.ts'
import { queryOf } from '#http/paging.ts'

const PAGES = fileURLToPath(new URL('../../../pages/redis-stats/', import.meta.url))
const UPLOT = join(dirname(fileURLToPath(import.meta.resolve('uplot'))))

/** The page loads everything from this origin; nothing is inline. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The query of a link printed by `npm run admin-link`. */
const LinkQuery = queryOf({ token: Type.Optional(Type.String()) })

/** The page depends on the account, so it has no validators: browsers must load it again. */
const UNTAGGED = { etag: false, lastModified: false }

/** The page for admins; everybody else sees a form to sign in. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  // The sign-in form needs its script and style sheet before sign-in. The data come from /api/v1/admin/cache, which is
  // for admins only.
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, public: true }
  })
  await app.register(fastifyStatic, { root: [PAGES, UPLOT], prefix: '/assets/', index: false, cacheControl: false })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    reply.header('Content-Security-Policy', POLICY)
    done()
  })

  // Signing in must work even when the hourly limit is used up.
  app.get(
    '/',
    {
      config: { rateLimit: app.spareLimit, public: true, adminLink: true },
      schema: { hide: true, querystring: LinkQuery }
    },
    async (request, reply) => {
      reply.header('Cache-Control', 'private, no-store').type('text/html; charset=utf-8')
      const { token } = request.query
      if (token !== undefined) {
        // Redirect without the token, which would otherwise stay in the browser's history.
        if (app.openAdminLink(request, reply, token)) return reply.code(303).locate('/admin/redis-stats/').send()
        // The form explains the failure: it sees the token in its URL.
        reply.code(401).header('WWW-Authenticate', challenge())
        return reply.sendFile('sign-in.html', UNTAGGED)
      }
      if (request.account?.role === 'admin' || app.hasAdminLink(request)) return reply.sendFile('page.html', UNTAGGED)
      if (request.account === null) reply.code(401).header('WWW-Authenticate', challenge())
      else reply.code(403)
      return reply.sendFile('sign-in.html', UNTAGGED)
    }
  )
}

export default routes
