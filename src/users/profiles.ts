import type { Cache, Trace } from '#cache'
import { NotFoundError } from '#http/errors.ts'
import { type Account, type Accounts, accountGone } from './accounts.ts'
import { specs } from './cache-specs.ts'

/**
 * Accounts through the cache. They are read strictly: no instance shows one old, not even for the lease. A write is followed by
 * a read here, which fills the cache again (write-through), under stamps that are newer than the write.
 */
export class Profiles {
  readonly #cache: Cache
  readonly #accounts: Accounts

  constructor(cache: Cache, accounts: Accounts) {
    this.#cache = cache
    this.#accounts = accounts
  }

  /** Throws `NotFoundError`. */
  read(id: number, trace?: Trace): Promise<Account> {
    return this.#cache.wrap(specs.profile(id), () => this.#accounts.account(id), trace)
  }

  /** The same for the user of the session. Throws 401 when the account was deleted since the request began. */
  readOwn(id: number, trace?: Trace): Promise<Account> {
    return this.read(id, trace).catch((error) => {
      throw error instanceof NotFoundError ? accountGone() : error
    })
  }
}
