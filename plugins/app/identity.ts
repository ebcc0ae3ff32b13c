import type { FastifyReply, FastifyRequest, Session } from 'fastify'
import fp from 'fastify-plugin'
import type { Grant } from '#access-tokens/access-tokens.ts'
import { LineLimit } from '#bounds/line-limit.ts'
import type { Trace } from '#cache'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { AllSessions } from '#sessions/all-sessions.ts'
import { deviceOf, shownNetwork } from '#sessions/origin.ts'
import { cookieAttributes, sessionCookieName } from '#sessions/session-cookie.ts'
import { Sessions } from '#sessions/sessions.ts'
import { type Account, Accounts, toOwnUser } from '#users/accounts.ts'
import { AccountDeletion } from '#users/deletion.ts'
import { Profiles } from '#users/profiles.ts'
import type { AccountWithSessions, OwnUser } from '#users/shapes.ts'
import { invalidToken } from './access-tokens.ts'

const REPORT_INTERVAL_MS = 10_000

declare module 'fastify' {
  interface FastifyInstance {
    readonly accounts: Accounts
    readonly profiles: Profiles
    readonly sessions: Sessions
    readonly allSessions: AllSessions
    readonly accountDeletion: AccountDeletion
    /** Begins a session for the account with a new id, and replaces the session of the request. */
    signIn(request: FastifyRequest, account: Account): Promise<void>
    /** Ends the session of this request, if there is one. */
    signOut(request: FastifyRequest, reply: FastifyReply): Promise<void>
    /**
     * Checks session and account again, for answers that take long. Resolves to null once either has ended. Rejects if
     * they cannot be read.
     */
    identifyAgain(request: FastifyRequest): Promise<Account | null>
  }
  interface FastifyContextConfig {
    /** The route begins sessions. */
    beginsSession?: boolean
  }
  interface FastifyRequest {
    /** The account of the session or access token, with the permissions that the request has. */
    account: Account | null
    /** The access token of the request, and its user, who may have more permissions. */
    token: (Grant & { readonly user: Account }) | null
    /** Why the access token is not accepted: access.ts refuses it once the request has been counted. */
    tokenRefusal: ApiError | null
    /** The account that this request has begun a session for. */
    signedInAs: Account | null
    /** `account`, or throws 401 if nobody is signed in, which can happen only on public routes: see access.ts. */
    signedIn(): Account
    /** The account as its user sees it. */
    ownUser(): OwnUser
  }
}

/**
 * Identifies the client by session or access token, checked against the current account, so that changes to it take
 * effect at once.
 */
export default fp(
  async (app) => {
    const { config, database, coherentCache: cache } = app
    const cookieName = sessionCookieName(config.production)
    /**
     * Makes the library treat the request as one without a session cookie, so that it does not clear the client's
     * cookie.
     */
    const ignoreCookie = (request: FastifyRequest) => {
      delete request.cookies[cookieName]
    }
    const accounts = new Accounts(database)
    const profiles = new Profiles(cache, accounts)
    app.decorate('accounts', accounts)
    app.decorate('profiles', profiles)
    const since = app.redis.session ? null : new Date()
    const sessions = new Sessions({ database, lifetime: config.session, since, log: app.log })
    app.decorate('sessions', sessions)
    app.decorate('allSessions', new AllSessions(database, since))
    app.decorate('accountDeletion', new AccountDeletion(database, accounts))
    app.addHook('onClose', () => sessions.settled())

    const unreadableLines = new LineLimit(1, REPORT_INTERVAL_MS)
    /** Logs now and then that sessions or accounts cannot be read, not for every request. */
    function logUnreadable(request: FastifyRequest, err: unknown, message: string): void {
      const counted = unreadableLines.take()
      if (counted !== null) request.log.error({ err, ...counted }, message)
    }

    app.decorateRequest('account', null)
    app.decorateRequest('signedIn', function () {
      if (this.account === null) throw notSignedIn()
      return this.account
    })
    app.decorateRequest('token', null)
    app.decorateRequest('tokenRefusal', null)
    app.decorateRequest('ownUser', function () {
      return toOwnUser(this.token?.user ?? this.signedIn())
    })

    app.decorateRequest('signedInAs', null)
    app.decorate('signIn', async (request, account) => {
      // The library would clear the cookie of the previous session as well as set the new one.
      ignoreCookie(request)
      const { headers, ip } = request
      const rowId = await sessions.begin(account, {
        device: deviceOf(headers['user-agent']),
        network: shownNetwork(ip)
      })
      try {
        await request.session.regenerate()
        request.session.userId = account.id
        request.session.rowId = rowId
        request.session.epoch = account.sessionEpoch
        request.session.begunAt = request.session.renewedAt = Date.now()
        await request.session.save()
        request.signedInAs = account
      } catch (error) {
        // The library would try to save it again with the error response.
        await request.session.destroy().catch(() => {})
        await sessions.end(account.id, rowId).catch(() => {})
        throw error
      }
    })

    app.decorate('signOut', async (request, reply) => {
      const { userId, rowId } = request.session
      if (userId !== undefined && rowId !== undefined) await endOnce(userId, rowId)
      await request.session.destroy()
      // With the attributes it was set with, or browsers would not clear it in cross-site requests.
      reply.clearCookie(cookieName, cookieAttributes(config.production, config.session.sameSite))
    })

    app.decorate('identifyAgain', async (request) => {
      if (request.token !== null) {
        const grant = await app.accessTokens.find(request.token.digest)
        const user = grant && (await accountOf(grant.userId))
        return grant && user && rightsOf(user, grant)
      }
      const session = await app.readSession(request.session.sessionId)
      if (session?.unreadable !== undefined) throw session.unreadable
      return session === null ? null : accountOfSession(session)
    })

    /** Null if the account no longer exists. */
    async function accountOf(userId: number, trace?: Trace): Promise<AccountWithSessions | null> {
      try {
        return await profiles.account(userId, trace)
      } catch (error) {
        if (error instanceof NotFoundError) return null
        throw error
      }
    }

    /** The account of a valid session; null if it has ended, or the account was deleted. */
    async function accountOfSession({ userId, rowId, epoch }: Session, trace?: Trace): Promise<Account | null> {
      if (userId === undefined || rowId === undefined) return null
      const account = await accountOf(userId, trace)
      return account?.sessionEpoch === epoch && account?.sessions.includes(rowId) ? account : null
    }

    /** Ends a session that somebody else may have ended already. */
    async function endOnce(userId: number, rowId: number): Promise<void> {
      await sessions.end(userId, rowId).catch((error) => {
        if (!(error instanceof NotFoundError)) throw error
      })
    }

    /**
     * Extends the row of the session. A failure is only logged, as in the library, and the next request tries again.
     */
    async function extend(request: FastifyRequest): Promise<void> {
      const { rowId, begunAt } = request.session
      if (rowId === undefined || begunAt === undefined) return
      await sessions.extend(rowId, begunAt).catch((err) => {
        request.log.error({ err }, 'the row of a session was not extended; check DATABASE_URL')
      })
    }

    /** An admin link needs neither a session nor Redis. */
    const mayBeVisitor = (request: FastifyRequest) => isPublicRead(request) || app.hasAdminLink(request)

    function answerAsToVisitor(request: FastifyRequest, error: unknown): void {
      if (!mayBeVisitor(request)) throw error
      logUnreadable(request, error, 'cannot read accounts: treating the client as a visitor; check DATABASE_URL')
    }

    async function identifyByToken(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      reply.header('Cache-Control', 'private, no-store')
      try {
        const grant = await app.grantOf(request)
        const user = await accountOf(grant.userId, request.trace)
        if (user === null) throw invalidToken()
        request.token = { ...grant, user }
        request.account = rightsOf(user, grant)
      } catch (error) {
        if (error instanceof ApiError && error.statusCode < 500) request.tokenRefusal = error
        else answerAsToVisitor(request, error)
      }
    }

    async function identify(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const { userId, rowId, renewedAt, unreadable } = request.session
      if (unreadable !== undefined) {
        // The session may be valid: the client keeps its cookie.
        ignoreCookie(request)
        if (!mayBeVisitor(request)) throw unreadable
        logUnreadable(
          request,
          unreadable,
          'cannot read sessions: treating the client as a visitor; check REDIS_SESSION_URL'
        )
        return
      }
      if (userId === undefined || rowId === undefined) return
      reply.header('Cache-Control', 'private, no-store')
      try {
        request.account = await accountOfSession(request.session, request.trace)
      } catch (error) {
        answerAsToVisitor(request, error)
        return
      }
      if (request.account === null) {
        await request.session.regenerate()
        return
      }
      sessions.used(rowId)
      if (
        Date.now() - (renewedAt ?? 0) > config.session.ttlMs / 2 ||
        request.cookies[cookieName] !== request.session.encryptedSessionId
      ) {
        request.session.touch()
        await extend(request)
        // A changed field makes the library save the session and send the cookie again.
        request.session.renewedAt = Date.now()
      }
    }

    app.addHook('onRequest', (request, reply, done) => {
      const { userId, unreadable } = request.session
      if (request.bearer !== null) identifyByToken(request, reply).then(() => done(), done)
      else if (userId === undefined && unreadable === undefined) done()
      else identify(request, reply).then(() => done(), done)
    })
  },
  { name: 'identity', dependencies: ['access-tokens', 'admin-link', 'session', 'cache', 'database'] }
)

/** The permissions of a token: an admin's token without the scope `admin` has those of an author. */
function rightsOf(user: Account, { scopes }: Grant): Account {
  return user.role === 'admin' && !scopes.includes('admin') ? { ...user, role: 'author' } : user
}

/**
 * While sessions cannot be read, a public read treats the client as a visitor. A public write, such as login or logout,
 * changes the session, so it fails instead.
 */
function isPublicRead({ method, routeOptions }: FastifyRequest): boolean {
  return routeOptions.config.public === true && (method === 'GET' || method === 'HEAD')
}

/** 401: the request has no session, or one that has ended. */
export function notSignedIn(): ApiError {
  return new ApiError(401, 'NOT_SIGNED_IN', 'sign in first')
}
