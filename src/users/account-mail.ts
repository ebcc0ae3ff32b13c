import type { Database, Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import { newAddress, normalize } from '#mail/address.ts'
import type { Language } from '#mail/language.ts'
import { badToken, type LetterKind, type LetterOrder, type Letters } from '#mail/letters.ts'
import { type Accounts, emailTaken, isDuplicate, lockAccountForChange } from './accounts.ts'
import { requireSession } from './require-session.ts'
import type { Account, EmailChange, PasswordReset } from './shapes.ts'

const LATER_S = 3600

export interface AccountMailOptions {
  readonly database: Database
  readonly accounts: Accounts
  readonly letters: Letters
  /** Called when a letter has been ordered and can be sent. */
  readonly ordered: () => void
}

/** What accounts do by e-mail: reset a forgotten password, verify an address, change it. */
export class AccountMail {
  readonly #options: AccountMailOptions

  constructor(options: AccountMailOptions) {
    this.#options = options
  }

  /**
   * Orders a letter to an address, whether or not it has an account: that is only looked up when the letter is sent, so
   * that neither the answer nor its timing reveals it. Nor do they reveal that the address has reached its limit of
   * letters.
   */
  async forgot(email: string, language: Language): Promise<void> {
    await this.#order({ kind: 'password_reset', email: normalize(email), userId: null, language })
  }

  /** Sets the password, ends all sessions and revokes all access tokens. Throws 400 for an invalid token. */
  async reset({ token, password }: PasswordReset): Promise<void> {
    const { database, accounts, letters } = this.#options
    const kinds: LetterKind[] = ['password_reset']
    // Checked before the hash, so that only a valid token costs its time, and again below.
    const { userId, email } = await letters.find(token, kinds)
    const passwordHash = await accounts.hash(password)
    await database.write(async (tx) => {
      await lockAccountForChange(tx, userId)
      await letters.spend(tx, token)
      const { count } = await tx.user.updateMany({
        where: { id: userId, email },
        data: { passwordHash, sessionEpoch: { increment: 1 }, emailVerifiedAt: new Date() }
      })
      if (count === 0) throw badToken()
      await tx.userSession.deleteMany({ where: { userId } })
      await tx.accessToken.deleteMany({ where: { userId } })
    })
  }

  /** Throws 409 if the address is already verified, 429 if the limit of letters is reached. */
  async sendVerification({ id: userId, email, emailVerified }: Account, language: Language): Promise<void> {
    if (emailVerified) throw new ApiError(409, 'EMAIL_VERIFIED', 'the e-mail address is already verified')
    await this.#orderOrRefuse([{ kind: 'email_verification', email, userId, language }])
  }

  /** The same for a new account, which is created whether or not a letter can be ordered. */
  async welcome({ id: userId, email }: Account, language: Language): Promise<void> {
    await this.#order({ kind: 'email_verification', email, userId, language })
  }

  /**
   * Orders a letter to the new address, and a notice to the old one. Throws 403 for a wrong password, 409 if the
   * address is taken, 401 if the session has ended meanwhile, 429 if the limit of letters is reached.
   */
  async changeEmail(account: Account, { email, password }: EmailChange, language: Language): Promise<void> {
    const { accounts } = this.#options
    const next = newAddress(email)
    await accounts.requirePassword(account.id, password)
    if (next === account.email) throw new ApiError(400, 'VALIDATION_FAILED', 'email is already your address')
    if ((await accounts.holderOf(next)) !== null) throw emailTaken()
    await this.#orderOrRefuse(
      [
        { kind: 'email_change', email: next, userId: account.id, language },
        { kind: 'email_change_notice', email: account.email, userId: account.id, language }
      ],
      (tx) => requireSession(tx, account)
    )
  }

  /**
   * Uses the token of a verification letter. Throws 400 for an invalid one, 409 if the new address has been taken
   * meanwhile.
   */
  async verify(token: string): Promise<void> {
    const { database, letters } = this.#options
    const { userId, email, kind } = await letters.find(token, ['email_verification', 'email_change'])
    try {
      await database.write(async (tx) => {
        await lockAccountForChange(tx, userId)
        await letters.spend(tx, token)
        const isChange = kind === 'email_change'
        const { count } = await tx.user.updateMany({
          where: { id: userId, ...(isChange ? {} : { email }) },
          data: { emailVerifiedAt: new Date(), ...(isChange ? { email } : {}) }
        })
        if (count === 0) throw badToken()
      })
    } catch (error) {
      throw isDuplicate(error) ? emailTaken() : error
    }
  }

  async #order(order: LetterOrder): Promise<void> {
    const { database, letters, ordered } = this.#options
    await database.write((tx) => letters.order(tx, order))
    ordered()
  }

  async #orderOrRefuse(
    orders: readonly LetterOrder[],
    before: (tx: Transaction) => Promise<unknown> = async () => {}
  ): Promise<void> {
    const { database, letters, ordered } = this.#options
    await database.write(async (tx) => {
      await before(tx)
      for (const order of orders) if (!(await letters.order(tx, order))) throw tooManyLetters()
    })
    ordered()
  }
}

function tooManyLetters(): ApiError {
  const headers = { 'Retry-After': String(LATER_S) }
  return new ApiError(
    429,
    'TOO_MANY_LETTERS',
    'too many letters were sent: Retry-After says when the next one may be',
    headers
  )
}
