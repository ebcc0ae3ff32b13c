import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { challenge } from '#http/bearer.ts'
import { noQuery } from '#http/paging.ts'

const PAGES = fileURLToPath(new URL('../../../pages/redis-stats/', import.meta.url))
const UPLOT = join(dirname(fileURLToPath(import.meta.resolve('uplot'))))

/** Everything that the page loads comes from here; nothing is inline. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

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
    { config: { rateLimit: app.spareLimit, public: true }, schema: { hide: true, querystring: noQuery } },
    async (request, reply) => {
      reply.header('Cache-Control', 'private, no-store').type('text/html; charset=utf-8')
      if (request.account?.role === 'admin') return reply.sendFile('page.html', UNTAGGED)
      if (request.account === null) reply.code(401).header('WWW-Authenticate', challenge())
      else reply.code(403)
      return reply.sendFile('sign-in.html', UNTAGGED)
    }
  )
}

export default routes
