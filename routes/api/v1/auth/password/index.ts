import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Accepted, NoContent } from '#http/no-content.ts'
import { languageOf } from '#mail/language.ts'
import { ForgottenPassword, PasswordReset } from '#users/shapes.ts'

const tags = ['accounts']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { accountMail } = app
  const config = { public: true, sessionOnly: true, rateLimit: app.attemptLimit }

  app.post(
    '/forgot',
    {
      config,
      preHandler: [app.requireMail, app.limitKnownAttempts, app.limitLettersOfNetwork],
      schema: {
        tags,
        operationId: 'forgotPassword',
        summary: 'Send a letter to set a new password',
        description:
          'Gives the same answer, after the same time, whether or not the address has an account. The letter is in Russian or English, ' +
          'according to Accept-Language. Answers 503 with the code MAIL_OFF if the service sends no letters.',
        body: ForgottenPassword,
        response: { 202: Accepted }
      }
    },
    async (request, reply) => {
      await accountMail.forgot(request.body.email, languageOf(request.headers['accept-language']))
      return reply.code(202).send()
    }
  )

  app.post(
    '/reset',
    {
      config,
      preHandler: app.limitKnownAttempts,
      schema: {
        tags,
        operationId: 'resetPassword',
        summary: 'Set a new password with the token of a letter; ends all sessions and revokes all access tokens',
        description:
          'Answers 400 with the code BAD_LETTER_TOKEN if the token is wrong, already used, or older than an hour.',
        body: PasswordReset,
        response: { 204: NoContent }
      }
    },
    async (request, reply) => {
      await accountMail.reset(request.body)
      return reply.code(204).send(null)
    }
  )
}

export default routes
