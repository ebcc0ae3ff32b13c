import { randomBytes } from 'node:crypto'
import session from '@fastify/session'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { cookieAttributes, cookieValues, mayCarrySession, sessionCookieName } from '#sessions/session-cookie.ts'
import { createCookieSigner } from './cookie-signer.ts'

const ID_BYTES = 24

/** Sessions by a signed cookie. */
export default fp(
  async (app) => {
    const { production, session: settings } = app.config
    const cookieName = sessionCookieName(production)
    const signer = createCookieSigner(settings.secrets)

    /** The last cookie that names a session, else the last that is genuine, else the first, as the library takes it. */
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

    // A browser sends cookies of longer paths first, and ours has the shortest: one that was planted, or is old, neither takes over nor
    // hides the right one.
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
      // Every request would write; plugins/app/identity.ts prolongs a session once half of its time is over.
      rolling: false,
      // Most requests carry no session. The library makes an object for each of them all the same: without an id it is neither signed
      // nor looked at again. Signing in regenerates it, and then `request.session` has been set before.
      idGenerator: (request) => {
        const isVisitor = request?.session.sessionId === undefined && !mayCarrySession(request?.headers.cookie)
        return isVisitor ? '' : randomBytes(ID_BYTES).toString('base64url')
      },
      secret: signer
    })
  },
  { name: 'session', dependencies: ['cookie', 'session-store'] }
)
