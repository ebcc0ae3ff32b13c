import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { version } from '#config/version.ts'

const PAGE = new URL('../pages/start/page.html', import.meta.url)

/** Links to the parts of the service. */
const startBelow = (prefix: string) => ({
  name: 'AI Akademiya API',
  version,
  api: `${prefix}/api/v1`,
  documentation: `${prefix}/docs/`,
  openapi: `${prefix}/openapi.json`,
  health: `${prefix}/health/ready`,
  admin: `${prefix}/admin/redis-stats/`
})

/** The start page: HTML for browsers, JSON for everybody else. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  const page = (await readFile(PAGE, 'utf8')).replace('{{version}}', version)
  const style = /<style>(.*)<\/style>/s.exec(page)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

  // Any query is accepted, because links to a start page carry all kinds of parameters.
  app.get('/', { config: { public: true }, schema: { hide: true, querystring: {} } }, async (request, reply) => {
    reply.header('Vary', 'Origin, Accept')
    if (!request.headers.accept?.includes('text/html')) return startBelow(request.forwardedPrefix())
    return reply.header('Content-Security-Policy', policy).type('text/html; charset=utf-8').send(page)
  })
}

export default routes
