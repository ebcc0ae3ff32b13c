import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { AdminLinks, adminLinkCookieName, READING_S } from '#sessions/admin-link.ts'
import { makeOwnLinkSecret, removeOwnLinkSecret } from '#sessions/own-link-secret.ts'
import { cookieAttributes } from '#sessions/session-cookie.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** True where the request may read by an admin link, whoever is signed in, and while nobody can. */
    hasAdminLink(request: FastifyRequest): boolean
    /** Gives the browser what it needs to read for an hour; false for a token that is wrong or old. */
    openAdminLink(request: FastifyRequest, reply: FastifyReply, token: string): boolean
    /** Takes from the browser what it reads by, if it has that. */
    closeAdminLink(request: FastifyRequest, reply: FastifyReply): void
  }
  interface FastifyContextConfig {
    /** Whoever has opened an admin link may read it. */
    adminLink?: boolean
  }
}

/** The way in for operators that needs neither Redis nor a session: `npm run admin-link`. It only reads. */
export default fp(
  async (app) => {
    const { databaseUrl, dataDir, production, session } = app.config
    let { secrets } = session
    if (session.isGenerated && databaseUrl === null) {
      secrets = [await makeOwnLinkSecret(dataDir)]
      app.addHook('onClose', () => removeOwnLinkSecret(dataDir))
    }
    const links = new AdminLinks(secrets)
    const cookieName = adminLinkCookieName(production)

    app.decorate('hasAdminLink', (request) => {
      // First what most requests do not have: it is asked for every one.
      const cookie = request.cookies[cookieName]
      if (cookie === undefined || request.routeOptions.config.adminLink !== true) return false
      return (request.method === 'GET' || request.method === 'HEAD') && links.acceptsCookie(cookie)
    })

    app.decorate('openAdminLink', (request, reply, token) => {
      const isGood = links.accepts(token)
      request.log[isGood ? 'info' : 'warn'](
        { audit: 'admin link', accepted: isGood, remoteAddress: request.ip },
        isGood ? 'an admin link was opened' : 'an admin link that is wrong or old was refused'
      )
      if (isGood) {
        reply.setCookie(cookieName, links.cookie(), { ...cookieAttributes(production, 'strict'), maxAge: READING_S })
      }
      return isGood
    })

    app.decorate('closeAdminLink', ({ cookies }, reply) => {
      if (cookies[cookieName] !== undefined) reply.clearCookie(cookieName, cookieAttributes(production, 'strict'))
    })
  },
  { name: 'admin-link', dependencies: ['cookie', 'database'] }
)

/** How an admin came in whose request was let pass. */
export function accessOf({ account }: FastifyRequest): 'session' | 'link' {
  return account?.role === 'admin' ? 'session' : 'link'
}
