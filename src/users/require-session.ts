import type { Transaction } from '#database/database.ts'
import { accountGone, sessionEnded } from './accounts.ts'
import type { Account } from './shapes.ts'

/**
 * Locks the account until the transaction ends, for operations that require a valid session. Throws 401 if the session
 * for which `account` was read has ended since, or the account was deleted.
 */
export async function requireSession(
  tx: Transaction,
  { id, sessionEpoch }: Account
): Promise<Pick<Account, 'id' | 'role'>> {
  const [user] = await tx.$queryRaw<{ role: Account['role']; epoch: number }[]>`
    select role::text, session_epoch as epoch from app_user where id = ${id} for no key update`
  if (user === undefined) throw accountGone()
  if (user.epoch !== sessionEpoch) throw sessionEnded()
  return { id, role: user.role }
}
