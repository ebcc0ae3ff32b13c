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
    /** Who is signed in, or whose access token came: with the rights that the request has. */
    account: Account | null
    /** The access token that the request came with, and its user, who may have more rights. */
    token: (Grant & { readonly user: Account }) | null
    /** Why the access token that came is not accepted: access.ts refuses it once the request has been counted. */
    tokenRefusal: ApiError | null
    /** The account that this request has begun a session for. */
    signedInAs: Account | null
    /** Who is signed in. Throws 401 where nobody is, which can only happen on a public route: see access.ts. */
    signedIn(): Account
    /** The same as its user sees it. */
    ownUser(): OwnUser
  }
}

/** Who makes a request: his session or his access token, checked against the account as it is now, so that what changes there counts at once. */
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
    const since = app.redis.session ? null : new Date()
    const sessions = new Sessions({ database, lifetime: config.session, since, log: app.log })
    app.decorate('sessions', sessions)
    app.decorate('allSessions', new AllSessions(database, since))
    app.decorate('accountDeletion', new AccountDeletion(database, accounts))
    app.addHook('onClose', () => sessions.settled())

    const unreadableLines = new LineLimit(1, REPORT_INTERVAL_MS)
    /** While sessions or accounts cannot be read, that is said now and then, and not for every request. */
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
      // The library would clear the cookie of the session before, beside setting the new one.
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
        // The library would try to save it again with the answer that tells of the error.
        await request.session.destroy().catch(() => {})
        await sessions.end(account.id, rowId).catch(() => {})
        throw error
      }
    })

    app.decorate('signOut', async (request, reply) => {
      const { userId, rowId } = request.session
      if (userId !== undefined && rowId !== undefined) await endOnce(userId, rowId)
      await request.session.destroy()
      // As it was set: browsers let no other site clear a cookie otherwise.
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

    /** Null where there is none any more. */
    async function accountOf(userId: number, trace?: Trace): Promise<AccountWithSessions | null> {
      try {
        return await profiles.account(userId, trace)
      } catch (error) {
        if (error instanceof NotFoundError) return null
        throw error
      }
    }

    /** The account that a session is good for; null where it has ended, or the account is gone. */
    async function accountOfSession({ userId, rowId, epoch }: Session, trace?: Trace): Promise<Account | null> {
      if (userId === undefined || rowId === undefined) return null
      const account = await accountOf(userId, trace)
      return account?.sessionEpoch === epoch && account?.sessions.includes(rowId) ? account : null
    }

    /** Somebody else may have ended it already. */
    async function endOnce(userId: number, rowId: number): Promise<void> {
      await sessions.end(userId, rowId).catch((error) => {
        if (!(error instanceof NotFoundError)) throw error
      })
    }

    /** As the library does with the session itself: a request does not fail for it, and the next one tries again. */
    async function extend(request: FastifyRequest): Promise<void> {
      const { rowId, begunAt } = request.session
      if (rowId === undefined || begunAt === undefined) return
      await sessions.extend(rowId, begunAt).catch((err) => {
        request.log.error({ err }, 'the row of a session was not extended; check DATABASE_URL')
      })
    }

    /** Whoever reads by an admin link needs no session, nor Redis. */
    const mayBeVisitor = (request: FastifyRequest) => isPublicRead(request) || app.hasAdminLink(request)

    function answerAsToVisitor(request: FastifyRequest, error: unknown): void {
      if (!mayBeVisitor(request)) throw error
      logUnreadable(request, error, 'accounts cannot be read: answered as to a visitor; check DATABASE_URL')
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
        // It may be a good one: the client keeps it.
        ignoreCookie(request)
        if (!mayBeVisitor(request)) throw unreadable
        logUnreadable(request, unreadable, 'sessions cannot be read: answered as to a visitor; check REDIS_SESSION_URL')
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
        // A changed field makes the library save it, and send the cookie again.
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

/** What a token may do of what its user may: an admin's without the scope of admins is as good as an author's. */
function rightsOf(user: Account, { scopes }: Grant): Account {
  return user.role === 'admin' && !scopes.includes('admin') ? { ...user, role: 'author' } : user
}

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
