import fp from 'fastify-plugin'
import type { Config } from '#config/config.ts'
import { requireVerified } from '#courses/rules.ts'
import { ApiError } from '#http/errors.ts'
import { Letters } from '#mail/letters.ts'
import { Postman } from '#mail/postman.ts'
import { AccountMail } from '#users/account-mail.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly accountMail: AccountMail
    /** False in production without `MAIL_URL`: letters are never sent. */
    readonly sendsMail: boolean
    /** A preHandler for routes that order letters: throws 503 if the service sends none. */
    requireMail(request: FastifyRequest): Promise<void>
    /**
     * Makes a preHandler that throws 403 if `REQUIRE_VERIFIED_EMAIL` includes `need` and the address is not verified.
     */
    requireVerifiedFor(need: Config['requireVerifiedEmail'][number]): (request: FastifyRequest) => Promise<void>
  }
}

const LATER_S = 3600

/** Letters to accounts: sent by SMTP or, in development without a mail server, printed to the log. */
export default fp(
  async (app) => {
    const { accounts, config, database, log } = app
    const { url, from, publicUrl } = config.mail
    const sendsMail = url !== null || !config.production
    // Loaded only if used: nodemailer takes a twentieth of a start.
    const smtp = url === null ? null : new (await import('#mail/smtp.ts')).Smtp(url, from)
    const letters = new Letters(database)
    const postman = new Postman({
      letters,
      publicUrl,
      log,
      send: async (mail) => {
        if (smtp !== null) return smtp.send(mail)
        log.warn(
          { to: mail.to, subject: mail.subject, text: mail.text },
          'MAIL_URL is not set: printing the letter instead of sending it'
        )
      }
    })
    app.decorate('sendsMail', sendsMail)
    app.decorate('accountMail', new AccountMail({ database, accounts, letters, ordered: () => postman.wake() }))
    app.decorate('requireMail', async () => {
      if (sendsMail) return
      const headers = { 'Retry-After': String(LATER_S) }
      throw new ApiError(503, 'MAIL_OFF', 'this service sends no letters: contact its operator', headers)
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
