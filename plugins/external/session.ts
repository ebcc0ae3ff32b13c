import { randomBytes } from 'node:crypto'
import session from '@fastify/session'
import fp from 'fastify-plugin'
import { mayCarrySession, SESSION_COOKIE } from '#sessions/session-record.ts'
import { createCookieSigner } from './cookie-signer.ts'

const ID_BYTES = 24

/** Sessions by a signed cookie. */
export default fp(
  async (app) => {
    const { production, session: settings } = app.config
    await app.register(session, {
      cookieName: SESSION_COOKIE,
      // With 'auto' the cookie is Secure where the request came over TLS, by the word of a trusted proxy too.
      cookie: {
        httpOnly: true,
        sameSite: 'lax',
        secure: production ? true : 'auto',
        path: '/',
        maxAge: settings.ttlMs
      },
      store: app.sessionStore,
      saveUninitialized: false,
      // Every request would write; plugins/app/identity.ts prolongs a session once half of its time is over.
      rolling: false,
      // Most requests carry no session. The library makes an object for each of them all the same: without an id it is neither signed
      // nor looked at again. Signing in regenerates it, and then `request.session` has been set before.
      idGenerator: (request) => {
        const isVisitor = request?.session.sessionId === undefined && !mayCarrySession(request?.headers.cookie)
        return isVisitor ? '' : randomBytes(ID_BYTES).toString('base64url')
      },
      secret: createCookieSigner(settings.secrets)
    })
  },
  { name: 'session', dependencies: ['cookie', 'session-store'] }
)
