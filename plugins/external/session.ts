import { randomBytes } from 'node:crypto'
import session from '@fastify/session'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { cookieAttributes, cookieValues, mayCarrySession, sessionCookieName } from '#sessions/session-cookie.ts'
import { createCookieSigner } from './cookie-signer.ts'

const ID_BYTES = 24

/** Sessions with a signed cookie. */
export default fp(
  async (app) => {
    const { production, session: settings } = app.config
    const cookieName = sessionCookieName(production)
    const signer = createCookieSigner(settings.secrets)

    /**
     * Chooses among several session cookies: the last one with an existing session, else the last with a valid
     * signature, else the first, as the library does.
     */
    async function choose(request: FastifyRequest, values: readonly string[]): Promise<void> {
      const genuine = values.filter((value) => signer.unsign(value).valid).reverse()
      let chosen = genuine[0]
      for (const value of genuine) {
        if (await app.readSession(signer.unsign(value).value ?? '')) {
          chosen = value
          break
        }
      }
      if (chosen !== undefined) request.cookies[cookieName] = chosen
    }

    // Browsers send cookies with longer paths first, and ours has the shortest: so a planted or outdated cookie cannot
    // hide the right one.
    app.addHook('onRequest', (request, _reply, done) => {
      const values = cookieValues(request.headers.cookie, cookieName)
      if (values.length < 2) done()
      else choose(request, values).then(() => done(), done)
    })
    await app.register(session, {
      cookieName,
      cookie: { ...cookieAttributes(production, settings.sameSite), maxAge: settings.ttlMs },
      store: app.sessionStore,
      saveUninitialized: false,
      // Rolling would write on every request; plugins/app/identity.ts extends a session once half of its TTL has
      // passed.
      rolling: false,
      // Most requests have no session, but the library creates an object for each: with an empty id, it is neither
      // signed nor processed again. Signing in regenerates the session when `request.session` is already set, and so
      // gets an id.
      idGenerator: (request) => {
        const isVisitor = request?.session.sessionId === undefined && !mayCarrySession(request?.headers.cookie)
        return isVisitor ? '' : randomBytes(ID_BYTES).toString('base64url')
      },
      secret: signer
    })
  },
  { name: 'session', dependencies: ['cookie', 'session-store'] }
)
