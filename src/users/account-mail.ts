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
  /** A letter was ordered, and may be sent. */
  readonly ordered: () => void
}

/** What accounts do by letters: a forgotten password, a verified address, another one. */
export class AccountMail {
  readonly #options: AccountMailOptions

  constructor(options: AccountMailOptions) {
    this.#options = options
  }

  /**
   * Orders a letter to an address, whoever has it: whether there is an account is found out when it is sent, so that neither the answer
   * nor its time tells. Nor do they tell that the address has got enough letters.
   */
  async forgot(email: string, language: Language): Promise<void> {
    await this.#order({ kind: 'password_reset', email: normalize(email), userId: null, language })
  }

  /** Sets the password, ends all sessions and revokes all access tokens. Throws 400 for a token that is good no more. */
  async reset({ token, password }: PasswordReset): Promise<void> {
    const { database, accounts, letters } = this.#options
    const kinds: LetterKind[] = ['password_reset']
    // Only a good token costs the time of a hash; it is looked at once more below.
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

  /** Throws 409 where the address is verified, 429 where there were letters enough. */
  async sendVerification({ id: userId, email, emailVerified }: Account, language: Language): Promise<void> {
    if (emailVerified) throw new ApiError(409, 'EMAIL_VERIFIED', 'the e-mail address is verified already')
    await this.#orderOrRefuse([{ kind: 'email_verification', email, userId, language }])
  }

  /** The same for a new account, which is made whether or not a letter can be ordered. */
  async welcome({ id: userId, email }: Account, language: Language): Promise<void> {
    await this.#order({ kind: 'email_verification', email, userId, language })
  }

  /**
   * Orders a letter to the new address, and one to the old. Throws 403 for a wrong password, 409 where the address is taken, 401 where the
   * session has ended meanwhile, 429 where there were letters enough.
   */
  async changeEmail(account: Account, { email, password }: EmailChange, language: Language): Promise<void> {
    const { accounts } = this.#options
    const next = newAddress(email)
    await accounts.requirePassword(account.id, password)
    if (next === account.email) throw new ApiError(400, 'VALIDATION_FAILED', 'email is the address that you have')
    if ((await accounts.holderOf(next)) !== null) throw emailTaken()
    await this.#orderOrRefuse(
      [
        { kind: 'email_change', email: next, userId: account.id, language },
        { kind: 'email_change_notice', email: account.email, userId: account.id, language }
      ],
      (tx) => requireSession(tx, account)
    )
  }

  /** Uses the token of a letter that verifies an address. Throws 400 for one that is good no more, 409 where the new address was taken meanwhile. */
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
      for (const order of orders) if (!(await letters.order(tx, order))) throw enoughLetters()
    })
    ordered()
  }
}

function enoughLetters(): ApiError {
  const headers = { 'Retry-After': String(LATER_S) }
  return new ApiError(429, 'TOO_MANY_LETTERS', 'so many letters were sent that the next one must wait', headers)
}
