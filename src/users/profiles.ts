import type { Cache, Trace } from '#cache'
import { NotFoundError } from '#http/errors.ts'
import { type Accounts, accountGone, toPublicUser } from './accounts.ts'
import { specs } from './cache-specs.ts'
import type { Account, AccountWithSessions, User } from './shapes.ts'

/**
 * Users through the cache. They are read strictly: no instance shows one old, not even for the lease. A write is followed by
 * a read here, which fills the cache again (write-through), under stamps that are newer than the write.
 */
export class Profiles {
  readonly #cache: Cache
  readonly #accounts: Accounts

  constructor(cache: Cache, accounts: Accounts) {
    this.#cache = cache
    this.#accounts = accounts
  }

  /** What everybody may see of a user. Throws `NotFoundError`. */
  read(id: number, trace?: Trace): Promise<User> {
    return this.#cache.wrap(specs.profile(id), async () => toPublicUser(await this.#accounts.account(id)), trace)
  }

  /** Who may do what: as the database has it, and never as Redis has it. Throws `NotFoundError`. */
  account(id: number, trace?: Trace): Promise<AccountWithSessions> {
    return this.#cache.wrap(specs.account(id), () => this.#accounts.accountWithSessions(id), trace)
  }

  /** The account after a write to it, with which the cache is filled again. Throws `NotFoundError`. */
  async refresh(id: number, trace?: Trace): Promise<Account> {
    const [account] = await Promise.all([this.account(id, trace), this.read(id)])
    return account
  }

  /** The same for the user of the session. Throws 401 when the account was deleted since the request began. */
  refreshOwn(id: number, trace?: Trace): Promise<Account> {
    return this.refresh(id, trace).catch((error) => {
      throw error instanceof NotFoundError ? accountGone() : error
    })
  }
}
