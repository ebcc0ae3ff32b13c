import type { Database } from '#database/database.ts'
import type { AccessToken as Row } from '#database/generated/client.ts'
import { ApiError, NotFoundError } from '#http/errors.ts'
import { requireSession } from '#users/require-session.ts'
import type { Account } from '#users/shapes.ts'
import { type AccessScope, knownScopes } from './scopes.ts'
import type { AccessToken, MadeAccessToken, NewAccessToken } from './shapes.ts'
import { digestOf, newToken, shownPart } from './token.ts'

/** The maximum number of unexpired tokens per user: one for each script and device. */
const MAX_TOKENS = 50
const DAY_MS = 86_400_000

const select = {
  id: true,
  name: true,
  prefix: true,
  scopes: true,
  createdAt: true,
  expiresAt: true,
  lastUsedAt: true
} as const

/** What a valid token grants. */
export interface Grant {
  readonly id: number
  readonly digest: string
  readonly userId: number
  readonly scopes: readonly AccessScope[]
  readonly lastUsedAt: Date | null
}

/** Personal access tokens, in the database. */
export class AccessTokens {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * Throws 401 if the session or the account no longer exists, 403 for scopes beyond the user's role, and 409 for too
   * many tokens.
   */
  async make(account: Account, { name, expiresInDays, scopes }: NewAccessToken): Promise<MadeAccessToken> {
    const token = newToken()
    const now = new Date()
    const expiresAt = new Date(now.getTime() + expiresInDays * DAY_MS)
    const row = await this.#database.write(async (tx) => {
      const { id: userId, role } = await requireSession(tx, account)
      if (scopes.includes('admin') && role !== 'admin') {
        throw new ApiError(403, 'ADMINS_ONLY', 'only tokens of admins may have the scope admin')
      }
      // Expired tokens stay listed until now, so that their owner can see why a script fails.
      await tx.accessToken.deleteMany({ where: { userId, expiresAt: { lte: now } } })
      if ((await tx.accessToken.count({ where: { userId } })) >= MAX_TOKENS) {
        throw new ApiError(
          409,
          'QUOTA_TOKENS',
          `the account has reached its quota of tokens (${MAX_TOKENS}): revoke one`
        )
      }
      const data = { userId, name, scopes, expiresAt, prefix: shownPart(token), digest: digestOf(token) }
      return tx.accessToken.create({ data, select })
    })
    return { ...toAccessToken(row), token }
  }

  /** The tokens of a user, newest first. */
  async list(userId: number): Promise<AccessToken[]> {
    const rows = await this.#database.client.accessToken.findMany({
      where: { userId },
      select,
      orderBy: { id: 'desc' }
    })
    return rows.map(toAccessToken)
  }

  /** Once this has resolved, no process accepts the token. Throws `NotFoundError`, also for a token of another user. */
  async revoke(userId: number, id: number): Promise<void> {
    const { count } = await this.#database.client.accessToken.deleteMany({ where: { id, userId } })
    if (count === 0) throw new NotFoundError('token')
  }

  /**
   * Stores the current time as the last use of these tokens. Skips locked rows: another transaction is updating or
   * deleting them.
   */
  async markUsed(ids: number[]): Promise<void> {
    await this.#database.client.$executeRaw`
      update access_token set last_used_at = now() where id in (
        select id from access_token where id = any(${ids}::int[]) and
          (last_used_at is null or last_used_at < now() - interval '1 minute')
        for no key update skip locked)`
  }

  /**
   * What the token with this digest grants; null if there is none, or it has expired. Always read from the database,
   * never cached.
   */
  async find(digest: string): Promise<Grant | null> {
    const row = await this.#database.client.accessToken.findUnique({
      where: { digest },
      select: { id: true, userId: true, scopes: true, expiresAt: true, lastUsedAt: true }
    })
    if (row === null || row.expiresAt.getTime() <= Date.now()) return null
    const { id, userId, scopes, lastUsedAt } = row
    return { id, digest, userId, scopes: knownScopes(scopes), lastUsedAt }
  }
}

function toAccessToken(row: Pick<Row, keyof typeof select>): AccessToken {
  const { id, name, prefix, scopes, createdAt, expiresAt, lastUsedAt } = row
  return {
    id,
    name,
    prefix,
    scopes: knownScopes(scopes),
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null
  }
}
