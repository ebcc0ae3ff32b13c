import type { Database, Transaction } from '#database/database.ts'
import { ApiError } from '#http/errors.ts'
import { type Accounts, accountGone, DELETED_ACCOUNT } from './accounts.ts'
import { requireSession } from './require-session.ts'
import type { Account } from './shapes.ts'

/**
 * Deletes an account and everything it owns: drafts, progress, generations, sessions, access tokens, letters. Published
 * courses stay, and move to one anonymous account that all deleted authors share. Foreign keys cascade to the rest, and
 * triggers invalidate the caches; a running generation ends because its row is gone.
 */
export class AccountDeletion {
  readonly #database: Database
  readonly #accounts: Accounts

  constructor(database: Database, accounts: Accounts) {
    this.#database = database
    this.#accounts = accounts
  }

  /**
   * Throws 403 for a wrong password, 409 for the last admin, 401 if the session has ended or the account has been
   * deleted meanwhile.
   */
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

/** Locks all admins, in a fixed order, so that the last two cannot both be deleted at once. */
async function requireAnotherAdmin(tx: Transaction, id: number): Promise<void> {
  const admins = await tx.$queryRaw<{ id: number }[]>`
    select id from app_user where role = 'admin' order by id for no key update`
  if (admins.some((admin) => admin.id !== id)) return
  throw new ApiError(409, 'LAST_ADMIN', 'you are the only admin: appoint another one first')
}

/** In raw SQL, because Prisma would set `updatedAt`, and the content has not changed. */
async function keepCourses(tx: Transaction, id: number): Promise<void> {
  await tx.$executeRaw`
    insert into app_user (email, password_hash, name) values (${DELETED_ACCOUNT.email}, '!', ${DELETED_ACCOUNT.name})
    on conflict (email) do nothing`
  await tx.$executeRaw`
    update course set author_id = (select id from app_user where email = ${DELETED_ACCOUNT.email})
    where author_id = ${id} and status = 'published'`
}

function accountChanged(): ApiError {
  return new ApiError(409, 'CHANGED_MEANWHILE', 'your role was changed meanwhile: repeat the request')
}
