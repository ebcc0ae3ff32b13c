import type { Cache, Trace } from '#cache'
import { NotFoundError } from '#http/errors.ts'
import { type Accounts, accountGone, toPublicUser } from './accounts.ts'
import { specs } from './cache-specs.ts'
import type { Account, AccountWithSessions, User } from './shapes.ts'

/**
 * Users through the cache. Reads are strict: no instance shows a stale user, not even within the lease. After a write,
 * `refresh` reads the user and so refills the cache (write-through), under stamps that are newer than the write.
 */
export class Profiles {
  readonly #cache: Cache
  readonly #accounts: Accounts

  constructor(cache: Cache, accounts: Accounts) {
    this.#cache = cache
    this.#accounts = accounts
  }

  /** The public profile of a user. Throws `NotFoundError`. */
  read(id: number, trace?: Trace): Promise<User> {
    return this.#cache.wrap(specs.profile(id), async () => toPublicUser(await this.#accounts.account(id)), trace)
  }

  /**
   * The account that permissions are decided by: always from the database, never from Redis. Throws `NotFoundError`.
   */
  account(id: number, trace?: Trace): Promise<AccountWithSessions> {
    return this.#cache.wrap(specs.account(id), () => this.#accounts.accountWithSessions(id), trace)
  }

  /** Refills the cache after a write to the account. Throws `NotFoundError`. */
  async refresh(id: number, trace?: Trace): Promise<Account> {
    const [account] = await Promise.all([this.account(id, trace), this.read(id)])
    return account
  }

  /** The same for the user of the session. Throws 401 if the account has been deleted since the request began. */
  refreshOwn(id: number, trace?: Trace): Promise<Account> {
    return this.refresh(id, trace).catch((error) => {
      throw error instanceof NotFoundError ? accountGone() : error
    })
  }
}
