import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { challenge } from '#http/bearer.ts'
import { queryOf } from '#http/paging.ts'

const PAGES = fileURLToPath(new URL('../../../pages/redis-stats/', import.meta.url))
const UPLOT = join(dirname(fileURLToPath(import.meta.resolve('uplot'))))

/** Everything that the page loads comes from here; nothing is inline. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Of a link that `npm run admin-link` has printed. */
const LinkQuery = queryOf({ token: Type.Optional(Type.String()) })

/** The page is another one for each account: a browser asks for it anew. */
const UNTAGGED = { etag: false, lastModified: false }

/** The page for admins; everybody else sees a form to sign in. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  // The form needs its script and its style before anybody is signed in. The data come from /api/v1/admin/cache, for admins alone.
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, public: true }
  })
  await app.register(fastifyStatic, { root: [PAGES, UPLOT], prefix: '/assets/', index: false, cacheControl: false })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    reply.header('Content-Security-Policy', POLICY)
    done()
  })

  // Whoever has used up the hour's requests may still sign in.
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
        // Without the token: it would stay in the history of the browser.
        if (app.openAdminLink(request, reply, token)) return reply.code(303).locate('/admin/redis-stats/').send()
        // The form says why: it knows of the token by its address.
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
