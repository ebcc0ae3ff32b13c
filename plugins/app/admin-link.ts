import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { AdminLinks, adminLinkCookieName, READING_S } from '#sessions/admin-link.ts'
import { makeOwnLinkSecret, removeOwnLinkSecret } from '#sessions/own-link-secret.ts'
import { cookieAttributes } from '#sessions/session-cookie.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether an admin link allows the request, whoever is signed in. */
    hasAdminLink(request: FastifyRequest): boolean
    /** Sets the cookie that allows the browser to read for an hour; returns false for a wrong or expired token. */
    openAdminLink(request: FastifyRequest, reply: FastifyReply, token: string): boolean
    /** Clears that cookie, if the browser has it. */
    closeAdminLink(request: FastifyRequest, reply: FastifyReply): void
  }
  interface FastifyContextConfig {
    /** Reading is allowed by an admin link. */
    adminLink?: boolean
  }
}

/** Read access for operators that needs neither Redis nor a session: `npm run admin-link`. */
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
      // Runs for every request, so it first tests what most requests do not have.
      const cookie = request.cookies[cookieName]
      if (cookie === undefined || request.routeOptions.config.adminLink !== true) return false
      return (request.method === 'GET' || request.method === 'HEAD') && links.acceptsCookie(cookie)
    })

    app.decorate('openAdminLink', (request, reply, token) => {
      const isValid = links.accepts(token)
      request.log[isValid ? 'info' : 'warn'](
        { audit: 'admin link', accepted: isValid, remoteAddress: request.ip },
        isValid ? 'an admin link was opened' : 'a wrong or expired admin link was refused'
      )
      if (isValid) {
        reply.setCookie(cookieName, links.cookie(), { ...cookieAttributes(production, 'strict'), maxAge: READING_S })
      }
      return isValid
    })

    app.decorate('closeAdminLink', ({ cookies }, reply) => {
      if (cookies[cookieName] !== undefined) reply.clearCookie(cookieName, cookieAttributes(production, 'strict'))
    })
  },
  { name: 'admin-link', dependencies: ['cookie', 'database'] }
)

/** How an authorized admin has access. */
export function accessOf({ account }: FastifyRequest): 'session' | 'link' {
  return account?.role === 'admin' ? 'session' : 'link'
}
