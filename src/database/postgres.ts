import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import type { Log } from '#logging/log.ts'
import { watchPool } from './commits.ts'
import { Database, type QueueDatabase } from './database.ts'
import { withRetries } from './guard.ts'
import { Notifications } from './notifications.ts'
import { connectionOptions, createPool, UTC } from './pool.ts'
import { queueSchema, readRights } from './rights.ts'
import { runningScripts } from './scripts.ts'
import { createShares } from './shares.ts'
import { type Sql, sqlOnPool } from './sql.ts'
import { withStartupLock } from './startup-lock.ts'
import { isSafeToRetry } from './unavailable.ts'
import { DatabaseUnusableError } from './unusable.ts'

/** The connections of one process besides the pool of `DATABASE_POOL_SIZE` and the one for notifications. */
const OUTBOX_POOL_SIZE = 2
const QUEUE_POOL_SIZE = 3
const CONTROL_POOL_SIZE = 2

export interface PostgresOptions {
  readonly databaseUrl: string
  /** For work that needs a session of its own. */
  readonly directUrl: string
  readonly poolSize: number
  readonly statementTimeoutMs: number
}

/** Opens PostgreSQL. Throws `DatabaseUnusableError` if it cannot be reached, or if the role has no schema. */
export async function openPostgres(
  { databaseUrl, directUrl, poolSize, statementTimeoutMs }: PostgresOptions,
  log: Log
): Promise<Database> {
  const pool = createPool(databaseUrl, poolSize)
  const controlPool = createPool(databaseUrl, CONTROL_POOL_SIZE)
  const outboxPool = createPool(databaseUrl, OUTBOX_POOL_SIZE)
  const queuePool = createPool(databaseUrl, QUEUE_POOL_SIZE)
  const notifications = new Notifications({ url: directUrl, log })
  const release = async () => {
    await notifications.close()
    await Promise.all([pool, controlPool, outboxPool, queuePool].map((pool) => pool.end()))
  }
  try {
    const sql = sqlOnPool(outboxPool)
    const rights = await readRights(sql)
    if (directUrl !== databaseUrl) await requireSameDatabase(sql, directUrl)
    const factory = new PrismaPg(pool, { schema: rights.schema })
    const database = new Database({
      adapter: runningScripts(factory, (script) => inSession(directUrl, (session) => session.query(script))),
      sql,
      control: sqlOnPool(controlPool),
      shares: createShares(poolSize),
      statementTimeoutMs,
      pooled: true,
      rights,
      exclusively: (task, log) => withStartupLock(directUrl, log, task),
      listen: (channel, notified) => notifications.listen(channel, notified),
      queue: async () => ({ db: queueOn(queuePool, notifications), ...(await queueSchema(sql, rights)) }),
      release
    })
    watchPool(pool, database, statementTimeoutMs)
    return database
  } catch (error) {
    await release()
    throw DatabaseUnusableError.of(error)
  }
}

/**
 * Throws `DatabaseUnusableError` if the direct URL leads elsewhere: notifications of our writes would not arrive there.
 */
async function requireSameDatabase(sql: Sql, directUrl: string): Promise<void> {
  const here = await sql.query<{ id: string }>(IDENTITY)
  const there = await inSession(directUrl, (session) => session.query<{ id: string }>(IDENTITY)).catch((error) => {
    throw DatabaseUnusableError.of(error, 'DATABASE_DIRECT_URL')
  })
  if (here[0]?.id === there.rows[0]?.id) return
  throw new DatabaseUnusableError('it leads to a different database or schema than DATABASE_URL', 'DATABASE_DIRECT_URL')
}

const IDENTITY = `select concat_ws('.', (select system_identifier from pg_control_system()),
  current_database(), current_schema()) as id`

/** The pool in the form that pg-boss expects, with our connection for notifications instead of one of its own. */
function queueOn(pool: pg.Pool, notifications: Notifications): NonNullable<QueueDatabase['db']> {
  return {
    executeSql: (text, values) => withRetries(() => pool.query(text, values), isSafeToRetry),
    listen: async (channel, notified, reconnected) => {
      const close = notifications.listen(channel, (payload) => (payload === null ? reconnected() : notified(payload)))
      return { close }
    }
  }
}

async function inSession<T>(databaseUrl: string, task: (session: pg.Client) => Promise<T>): Promise<T> {
  const session = new pg.Client(connectionOptions(databaseUrl))
  // The current or the next query reports a lost connection.
  session.on('error', () => {})
  await session.connect()
  try {
    await session.query(UTC)
    return await task(session)
  } finally {
    await session.end().catch(() => {})
  }
}
