import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { ApiError, errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'
import { languageOf } from '#mail/language.ts'
import { type Account, toOwnUser } from '#users/accounts.ts'
import { Credentials, OwnUser, PasswordChange, Registration, SessionUser } from '#users/shapes.ts'

const tags = ['accounts']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { accounts } = app
  const requireOpenRegistration = async () => {
    if (app.config.registration === 'open') return
    throw new ApiError(403, 'REGISTRATION_CLOSED', 'registration is closed: ask the operator for an account')
  }

  /** Never fails, because the account exists by then; the user can request another letter. */
  const sendWelcome = async ({ headers, log }: FastifyRequest, account: Account) => {
    if (!app.sendsMail) return
    await app.accountMail.welcome(account, languageOf(headers['accept-language'])).catch((err) => {
      log.error({ err }, 'could not order the letter for a new account')
    })
  }

  app.post(
    '/register',
    {
      config: { public: true, sessionOnly: true, beginsSession: true, rateLimit: app.attemptLimit },
      preHandler: [requireOpenRegistration, app.limitKnownAttempts, app.limitAccountsOfNetwork],
      schema: {
        tags,
        operationId: 'register',
        summary: 'Create an account and sign in',
        description: 'Answers 403 with the code REGISTRATION_CLOSED if the operator has closed registration.',
        body: Registration,
        response: { 201: OwnUser, ...errors(403, 409) }
      }
    },
    async (request, reply) => {
      await app.requireSessions()
      const account = await accounts.register(request.body)
      await app.signIn(request, account)
      await sendWelcome(request, account)
      return reply.code(201).send(toOwnUser(account))
    }
  )

  app.post(
    '/login',
    {
      config: { public: true, sessionOnly: true, beginsSession: true, rateLimit: app.attemptLimit },
      preHandler: [app.limitKnownAttempts, app.slowGuesses],
      schema: {
        tags,
        operationId: 'login',
        summary: 'Sign in',
        body: Credentials,
        response: { 200: OwnUser, ...errors(401) }
      }
    },
    async (request) => {
      await app.requireSessions()
      const account = await accounts.signIn(request.body)
      await app.signIn(request, account)
      return toOwnUser(account)
    }
  )

  app.post(
    '/logout',
    {
      // Not an error without a session. Must work even when the hourly limit is used up.
      config: { sends: ['Set-Cookie'], public: true, sessionOnly: true, rateLimit: app.spareLimit },
      schema: { tags, operationId: 'logout', summary: 'Sign out', response: { 204: NoContent } }
    },
    async (request, reply) => {
      app.closeAdminLink(request, reply)
      await app.signOut(request, reply)
      return reply.code(204).send(null)
    }
  )

  app.post(
    '/logout-everywhere',
    {
      config: { sends: ['Set-Cookie'], sessionOnly: true },
      schema: {
        tags,
        operationId: 'logoutEverywhere',
        summary: 'End every session of the user; access tokens stay',
        response: { 204: NoContent }
      }
    },
    async (request, reply) => {
      await accounts.endSessions(request.signedIn().id)
      await app.signOut(request, reply)
      return reply.code(204).send(null)
    }
  )

  app.get(
    '/session',
    { schema: { tags, operationId: 'getSession', summary: 'Who is signed in', response: { 200: SessionUser } } },
    async (request) => ({ user: request.ownUser() })
  )

  app.post(
    '/password',
    {
      config: { sends: ['Set-Cookie'], sessionOnly: true, rateLimit: app.attemptLimit },
      preHandler: app.limitKnownAttempts,
      schema: {
        tags,
        operationId: 'changePassword',
        summary: 'Change the password; ends the other sessions, but keeps access tokens',
        body: PasswordChange,
        response: { 204: NoContent }
      }
    },
    async (request, reply) => {
      const current = request.signedIn()
      await app.requireSessions()
      const account = await accounts.changePassword(current, request.body)
      await app.signIn(request, account)
      return reply.code(204).send(null)
    }
  )
}

export default routes
