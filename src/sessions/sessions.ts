import type { Database } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { LastUse } from '#database/last-use.ts'
import { NotFoundError } from '#http/errors.ts'
import type { Log } from '#logging/log.ts'
import { accountGone } from '#users/accounts.ts'
import type { Account } from '#users/shapes.ts'
import type { SessionLifetime } from './session-record.ts'
import type { ListedSession } from './shapes.ts'

/** Per account. One more sign-in ends the session that has been unused for longest. */
const MAX_SESSIONS = 100
const USE_WITHIN_MS = 5 * 60_000

export interface SessionsOptions {
  readonly database: Database
  readonly lifetime: SessionLifetime
  /** If sessions are kept only in this process, its start time, because no older session is valid; else null. */
  readonly since: Date | null
  readonly log: Log
}

/** Where a session was started. */
export interface SessionOrigin {
  readonly device: string
  readonly network: string
}

/**
 * The sessions of each account, in the database. A session is valid while its row exists and has the epoch of its
 * account: see `Accounts.accountWithSessions`. `SessionRecords`, in Redis, map a cookie to the row.
 */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #lastUse: LastUse

  constructor(options: SessionsOptions) {
    this.#options = options
    const { client } = options.database
    this.#lastUse = new LastUse({
      what: 'sessions',
      withinMs: USE_WITHIN_MS,
      // A locked row is being written or deleted by somebody else at this moment.
      write: (ids) => client.$executeRaw`
        update user_session set last_used_at = now() where id in (
          select id from user_session where id = any(${ids}::int[]) and last_used_at < now() - interval '5 minutes'
          for no key update skip locked)`,
      log: options.log
    })
  }

  /** Resolves to the id of the new row. Throws 401 if the account has been deleted meanwhile. */
  async begin({ id: userId, sessionEpoch: epoch }: Account, origin: SessionOrigin): Promise<number> {
    const { database, lifetime } = this.#options
    const expiresAt = new Date(Date.now() + Math.min(lifetime.ttlMs, lifetime.maxAgeMs))
    const over = { OR: [{ expiresAt: { lte: new Date() } }, { epoch: { not: epoch } }] }
    try {
      return await database.write(async (tx) => {
        await tx.userSession.deleteMany({ where: { userId, ...over } })
        const surplus = await tx.userSession.findMany({
          where: { userId },
          orderBy: [{ lastUsedAt: 'desc' }, { id: 'desc' }],
          skip: MAX_SESSIONS - 1,
          select: { id: true }
        })
        if (surplus.length > 0) await tx.userSession.deleteMany({ where: { id: { in: surplus.map(({ id }) => id) } } })
        const row = await tx.userSession.create({
          data: { userId, epoch, expiresAt, ...origin },
          select: { id: true }
        })
        return row.id
      })
    } catch (error) {
      throw isOrphan(error) ? accountGone() : error
    }
  }

  /** The valid sessions of the account, last used first; `current` is the row of the requesting session. */
  async list({ id: userId, sessionEpoch: epoch }: Account, current: number | undefined): Promise<ListedSession[]> {
    const { database, since } = this.#options
    const begun = since === null ? {} : { begunAt: { gte: since } }
    const rows = await database.client.userSession.findMany({
      where: { userId, epoch, expiresAt: { gt: new Date() }, ...begun },
      orderBy: [{ lastUsedAt: 'desc' }, { id: 'desc' }],
      take: MAX_SESSIONS
    })
    return rows.map(({ id, device, network, begunAt, lastUsedAt }) => ({
      id,
      device,
      network,
      begunAt: begunAt.toISOString(),
      lastUsedAt: lastUsedAt.toISOString(),
      current: id === current
    }))
  }

  /** Once this resolves, no process accepts the session. Throws `NotFoundError`, also for a session of another user. */
  async end(userId: number, id: number): Promise<void> {
    const { count } = await this.#options.database.client.userSession.deleteMany({ where: { id, userId } })
    if (count === 0) throw new NotFoundError('session')
  }

  /** Records that the session is in use. */
  used(id: number): void {
    this.#lastUse.note(id)
  }

  /** Extends the session by the TTL of a new one, up to its maximum age. */
  async extend(id: number, begunAt: number): Promise<void> {
    const { database, lifetime } = this.#options
    const expiresAt = new Date(Math.min(Date.now() + lifetime.ttlMs, begunAt + lifetime.maxAgeMs))
    await database.client.userSession.updateMany({ where: { id }, data: { expiresAt } })
  }

  /** Resolves once all recorded uses have been written. */
  settled(): Promise<void> {
    return this.#lastUse.settled()
  }
}

function isOrphan(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2003'
}
