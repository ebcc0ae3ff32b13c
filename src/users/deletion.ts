import type { Database, Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import { type Accounts, accountGone, DELETED_ACCOUNT } from './accounts.ts'
import { requireSession } from './require-session.ts'
import type { Account } from './shapes.ts'

/**
 * Deletes an account with everything that is its own: drafts, progress, generations, sessions, access tokens, letters. Courses that the public
 * sees stay, and get the one account that all deleted authors share, which has no name of theirs. Foreign keys take the rest along, and
 * triggers touch the caches; a generation that runs ends, as its row is gone.
 */
export class AccountDeletion {
  readonly #database: Database
  readonly #accounts: Accounts

  constructor(database: Database, accounts: Accounts) {
    this.#database = database
    this.#accounts = accounts
  }

  /** Throws 403 for a wrong password, 409 for the last admin, 401 where the session or the account has ended meanwhile. */
  async delete(account: Account, password: string): Promise<void> {
    const { id, email } = account
    const passwordHash = await this.#accounts.requirePassword(id, password)
    await this.#database.write(async (tx) => {
      if (account.role === 'admin') await requireAnotherAdmin(tx, id)
      const { role } = await requireSession(tx, account)
      if (role !== account.role) throw accountChanged()
      if ((await tx.course.count({ where: { authorId: id, status: 'published' } })) > 0) await keepCourses(tx, id)
      await tx.letter.deleteMany({ where: { email } })
      const { count } = await tx.user.deleteMany({ where: { id, passwordHash } })
      if (count === 0) throw accountGone()
    })
  }
}

/** All admins are locked, in one order: of the last two, one alone may go. */
async function requireAnotherAdmin(tx: Transaction, id: number): Promise<void> {
  const admins = await tx.$queryRaw<{ id: number }[]>`
    select id from app_user where role = 'admin' order by id for no key update`
  if (admins.some((admin) => admin.id !== id)) return
  throw new ApiError(409, 'LAST_ADMIN', 'you are the only admin: make another one first')
}

/** In raw SQL: they were not changed by anybody who wrote them. */
async function keepCourses(tx: Transaction, id: number): Promise<void> {
  await tx.$executeRaw`
    insert into app_user (email, password_hash, name) values (${DELETED_ACCOUNT.email}, '!', ${DELETED_ACCOUNT.name})
    on conflict (email) do nothing`
  await tx.$executeRaw`
    update course set author_id = (select id from app_user where email = ${DELETED_ACCOUNT.email})
    where author_id = ${id} and status = 'published'`
}

function accountChanged(): ApiError {
  return new ApiError(409, 'CHANGED_MEANWHILE', 'your role was changed meanwhile: repeat it')
}
