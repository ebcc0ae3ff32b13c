import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '#http/errors.ts'
import { Accepted, NoContent } from '#http/no-content.ts'
import { languageOf } from '#mail/language.ts'
import { EmailChange, LetterToken } from '#users/shapes.ts'

const tags = ['accounts']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { accountMail } = app

  app.post(
    '',
    {
      config: { sessionOnly: true, rateLimit: app.attemptLimit },
      preHandler: [app.requireMail, app.limitKnownAttempts, app.limitLettersOfNetwork],
      schema: {
        tags,
        operationId: 'changeEmail',
        summary: 'Change the e-mail address, once the new one is verified; the old one is notified',
        body: EmailChange,
        response: { 202: Accepted, ...errors(409) }
      }
    },
    async (request, reply) => {
      request.auditDetails = { emailChange: true }
      await accountMail.changeEmail(request.signedIn(), request.body, languageOf(request.headers['accept-language']))
      return reply.code(202).send()
    }
  )

  app.post(
    '/verification',
    {
      config: { sessionOnly: true },
      // No limit per network: the letter goes to the user's own address, and accounts have an hourly limit.
      preHandler: app.requireMail,
      schema: {
        tags,
        operationId: 'sendVerification',
        summary: 'Send the verification letter for the e-mail address again',
        response: { 202: Accepted, ...errors(409) }
      }
    },
    async (request, reply) => {
      await accountMail.sendVerification(request.signedIn(), languageOf(request.headers['accept-language']))
      return reply.code(202).send()
    }
  )

  app.post(
    '/verify',
    {
      config: { public: true, sessionOnly: true, rateLimit: app.attemptLimit },
      preHandler: app.limitKnownAttempts,
      schema: {
        tags,
        operationId: 'verifyEmail',
        summary: 'Verify or change an e-mail address with the token of a letter',
        description:
          'Answers 400 with the code BAD_LETTER_TOKEN if the token is wrong, already used, or older than a day.',
        body: LetterToken,
        response: { 204: NoContent, ...errors(409) }
      }
    },
    async (request, reply) => {
      await accountMail.verify(request.body.token)
      return reply.code(204).send(null)
    }
  )
}

export default routes
