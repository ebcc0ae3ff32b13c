import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Trace } from '#cache'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { cookieAttributes, sessionCookieName } from '#sessions/session-cookie.ts'
import { type Account, Accounts } from '#users/accounts.ts'
import { Profiles } from '#users/profiles.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly accounts: Accounts
    readonly profiles: Profiles
    /** Begins a session for the account, with a new id, whatever session there was. */
    signIn(request: FastifyRequest, account: Account): Promise<void>
    /** Ends the session of this request, if there is one. */
    signOut(request: FastifyRequest, reply: FastifyReply): Promise<void>
    /**
     * Who makes the request, as session and account are now: for an answer that takes long. Null once either has ended. Throws
     * while that cannot be told.
     */
    identifyAgain(request: FastifyRequest): Promise<Account | null>
  }
  interface FastifyContextConfig {
    /** The route begins sessions. */
    beginsSession?: boolean
  }
  interface FastifyRequest {
    /** Who is signed in. */
    account: Account | null
    /** The account that this request has begun a session for. */
    signedInAs: Account | null
    /** Who is signed in. Throws 401 where nobody is, which can only happen on a public route: see access.ts. */
    signedIn(): Account
  }
}

/** Who makes a request: his session, checked against the account as it is now, so that what changes there counts at once. */
export default fp(
  async (app) => {
    const { config, database, coherentCache: cache } = app
    const cookieName = sessionCookieName(config.production)
    /** Makes the library treat the request as one without a session cookie: it then leaves the cookie of the client alone. */
    const ignoreCookie = (request: FastifyRequest) => {
      delete request.cookies[cookieName]
    }
    const accounts = new Accounts(database)
    const profiles = new Profiles(cache, accounts)
    app.decorate('accounts', accounts)
    app.decorate('profiles', profiles)

    app.decorateRequest('account', null)
    app.decorateRequest('signedIn', function () {
      if (this.account === null) throw notSignedIn()
      return this.account
    })

    app.decorateRequest('signedInAs', null)
    app.decorate('signIn', async (request, account) => {
      // The library would clear the cookie of the session before, beside setting the new one.
      ignoreCookie(request)
      try {
        await request.session.regenerate()
        request.session.userId = account.id
        request.session.epoch = account.sessionEpoch
        request.session.begunAt = request.session.renewedAt = Date.now()
        await request.session.save()
        request.signedInAs = account
      } catch (error) {
        // The library would try to save it again with the answer that tells of the error.
        await request.session.destroy().catch(() => {})
        throw error
      }
    })

    app.decorate('signOut', async (request, reply) => {
      await request.session.destroy()
      // As it was set: browsers let no other site clear a cookie otherwise.
      reply.clearCookie(cookieName, cookieAttributes(config.production, config.session.sameSite))
    })

    app.decorate('identifyAgain', async (request) => {
      const session = await app.readSession(request.session.sessionId)
      if (session?.unreadable !== undefined) throw session.unreadable
      return session?.userId === undefined ? null : accountOf(session.userId, session.epoch)
    })

    /** The account that a session of this user and epoch is good for; null where there is none any more. */
    async function accountOf(userId: number, epoch: number | undefined, trace?: Trace): Promise<Account | null> {
      try {
        const account = await profiles.account(userId, trace)
        return account.sessionEpoch === epoch ? account : null
      } catch (error) {
        if (error instanceof NotFoundError) return null
        throw error
      }
    }

    async function identify(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const { userId, epoch, renewedAt, unreadable } = request.session
      if (unreadable !== undefined) {
        // It may be a good one: the client keeps it.
        ignoreCookie(request)
        if (!isPublicRead(request)) throw unreadable
        request.log.error(
          { err: unreadable },
          'sessions cannot be read: answered as to a visitor; check REDIS_SESSION_URL'
        )
        return
      }
      if (userId === undefined) return
      reply.header('Cache-Control', 'private, no-store')
      try {
        request.account = await accountOf(userId, epoch, request.trace)
      } catch (error) {
        if (!isPublicRead(request)) throw error
        request.log.error({ err: error }, 'accounts cannot be read: answered as to a visitor; check DATABASE_URL')
        return
      }
      if (request.account === null) await request.session.regenerate()
      else if (
        Date.now() - (renewedAt ?? 0) > config.session.ttlMs / 2 ||
        request.cookies[cookieName] !== request.session.encryptedSessionId
      ) {
        request.session.touch()
        // A changed field makes the library save it, and send the cookie again.
        request.session.renewedAt = Date.now()
      }
    }

    app.addHook('onRequest', (request, reply, done) => {
      const { userId, unreadable } = request.session
      if (userId === undefined && unreadable === undefined) done()
      else identify(request, reply).then(() => done(), done)
    })
  },
  { name: 'identity', dependencies: ['session', 'cache', 'database'] }
)

/**
 * A public read is answered as to a visitor while sessions cannot be read. A public write, as a login or a logout, changes the session: it
 * fails instead.
 */
function isPublicRead({ method, routeOptions }: FastifyRequest): boolean {
  return routeOptions.config.public === true && (method === 'GET' || method === 'HEAD')
}

/** 401: the request has no session, or one that has ended. */
export function notSignedIn(): ApiError {
  return new ApiError(401, 'NOT_SIGNED_IN', 'sign in first')
}
