import { MOST_COUNTED } from '#database/counts.ts'
import type { Database } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { escapeLike } from '#database/like.ts'
import { NotFoundError } from '#http/errors.ts'
import { type Page, toPage } from '#http/paging.ts'
import type { AdminSession, AdminSessionQuery } from './shapes.ts'

interface Row {
  readonly id: number
  readonly userId: number
  readonly name: string
  readonly email: string
  readonly device: string
  readonly network: string
  readonly begunAt: Date
  readonly lastUsedAt: Date
}

/** The sessions of all users, for admins and operators. */
export class AllSessions {
  readonly #database: Database
  readonly #since: Date

  /** `since`: if sessions are kept only in this process, its start time, because no older session is valid. */
  constructor(database: Database, since: Date | null) {
    this.#database = database
    this.#since = since ?? new Date(0)
  }

  /** The number of valid sessions, at most `MOST_COUNTED`. */
  async count(): Promise<number> {
    const [row] = await this.#database.sql.query<{ count: number }>(
      `select count(*)::int as count from (
         select from user_session session join app_user on app_user.id = user_id and session_epoch = session.epoch
         where expires_at > now() and begun_at >= to_timestamp($1) limit ${MOST_COUNTED}) as counted`,
      [this.#since.getTime() / 1000]
    )
    return row?.count ?? 0
  }

  /**
   * The valid sessions, newest first. Ordered by the primary key, so that the first page costs the same with a million
   * rows.
   */
  async list(query: AdminSessionQuery, current: number | undefined, signal?: AbortSignal): Promise<Page<AdminSession>> {
    const { search, page, limit } = query
    const pattern = search === undefined ? null : `%${escapeLike(search)}%`
    const valid = Prisma.sql`
      from user_session session join app_user on app_user.id = user_id and session_epoch = session.epoch
      where expires_at > now() and begun_at >= ${this.#since}
        and (${pattern}::text is null or app_user.name ilike ${pattern} or app_user.email ilike ${pattern})`
    const { rows, total } = await this.#database.read(
      'lists',
      async (tx) => {
        const rows = await tx.$queryRaw<Row[]>`
          select session.id, user_id as "userId", app_user.name, app_user.email, device, network, begun_at as "begunAt",
            last_used_at as "lastUsedAt"
          ${valid} order by session.id desc limit ${limit} offset ${(page - 1) * limit}`
        const [counted] = await tx.$queryRaw<{ total: number }[]>`
          select count(*)::int as total from (select ${valid} limit ${MOST_COUNTED}) as counted`
        return { rows, total: counted?.total ?? 0 }
      },
      signal
    )
    const items = rows.map(({ userId, name, email, begunAt, lastUsedAt, ...row }) => ({
      ...row,
      user: { id: userId, name, email },
      begunAt: begunAt.toISOString(),
      lastUsedAt: lastUsedAt.toISOString(),
      current: row.id === current
    }))
    return toPage(items, total, query)
  }

  /** Resolves to the id of the user; from then on, no process accepts the session. Throws `NotFoundError`. */
  async end(id: number): Promise<number> {
    const where = { id }
    const session = await this.#database.client.userSession.findUnique({ where, select: { userId: true } })
    const { count } = await this.#database.client.userSession.deleteMany({ where })
    if (session === null || count === 0) throw new NotFoundError('session')
    return session.userId
  }
}
