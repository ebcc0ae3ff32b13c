import fp from 'fastify-plugin'
import type { Config } from '#config/config.ts'
import { requireVerified } from '#courses/rules.ts'
import { ApiError } from '#http/errors.ts'
import { Letters } from '#mail/letters.ts'
import { Postman } from '#mail/postman.ts'
import { Smtp } from '#mail/smtp.ts'
import { AccountMail } from '#users/account-mail.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly accountMail: AccountMail
    /** False in production without `MAIL_URL`: no letter is ever sent. */
    readonly sendsMail: boolean
    /** A preHandler of routes that order letters: throws 503 where none is ever sent. */
    requireMail(request: FastifyRequest): Promise<void>
    /** A preHandler of what needs a verified address where `REQUIRE_VERIFIED_EMAIL` says so: throws 403. */
    requireVerifiedFor(need: Config['requireVerifiedEmail'][number]): (request: FastifyRequest) => Promise<void>
  }
}

const LATER_S = 3600

/** Letters to accounts: an SMTP server takes them, or, in development without one, the log. */
export default fp(
  async (app) => {
    const { accounts, config, database, log } = app
    const { url, from, publicUrl } = config.mail
    const sendsMail = url !== null || !config.production
    const smtp = url === null ? null : new Smtp(url, from)
    const letters = new Letters(database)
    const postman = new Postman({
      letters,
      publicUrl,
      log,
      send: async (mail) => {
        if (smtp !== null) return smtp.send(mail)
        log.warn(
          { to: mail.to, subject: mail.subject, text: mail.text },
          'MAIL_URL is not set: a letter is printed here'
        )
      }
    })
    app.decorate('sendsMail', sendsMail)
    app.decorate('accountMail', new AccountMail({ database, accounts, letters, ordered: () => postman.wake() }))
    app.decorate('requireMail', async () => {
      if (sendsMail) return
      const headers = { 'Retry-After': String(LATER_S) }
      throw new ApiError(503, 'MAIL_OFF', 'this service sends no letters: ask its operator', headers)
    })
    app.decorate('requireVerifiedFor', (need) => async (request) => {
      if (config.requireVerifiedEmail.includes(need)) requireVerified(request.signedIn())
    })
    if (sendsMail && config.role === 'api') {
      app.addHook('onReady', async () => postman.start())
      app.addHook('onClose', () => postman.stop())
    }
  },
  { name: 'mail', dependencies: ['database', 'identity'] }
)
