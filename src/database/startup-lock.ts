import pg from 'pg'
import type { Log } from '#logging/log.ts'
import { STARTUP_LOCK } from './advisory-locks.ts'
import { connectionOptions } from './pool.ts'

const TELL_AFTER_MS = 1000
/** Less than a start may take (`app.ts`), so that it ends with a reason. */
const PATIENCE_MS = 110_000
/** SQLSTATE lock_not_available. */
const LOCK_TIMEOUT = '55P03'

/**
 * Runs `task` while no other process on this database runs one. The lock is one of a transaction, and not of a session:
 * behind a pooler in transaction mode the session is shared, and its locks would stay. It ends with the connection, however
 * the process dies.
 */
export async function withStartupLock<T>(databaseUrl: string, log: Log, task: () => Promise<T>): Promise<T> {
  const client = new pg.Client(connectionOptions(databaseUrl))
  // A lost connection is reported by the query that is under way, or by the next one.
  client.on('error', () => {})
  await client.connect()
  try {
    await lock(client, log)
    const result = await task()
    await client.query('commit')
    return result
  } finally {
    await client.end().catch(() => {})
  }
}

async function lock(client: pg.Client, log: Log): Promise<void> {
  const waiting = setTimeout(
    () => log.info({}, 'waiting for another process that prepares the database: it holds the advisory lock'),
    TELL_AFTER_MS
  )
  try {
    await client.query('begin isolation level read committed')
    // Whatever the role or the database has set: the lock is waited for, and then held while the task runs elsewhere.
    await client.query('set local statement_timeout = 0')
    await client.query('set local idle_in_transaction_session_timeout = 0')
    await client.query(`set local lock_timeout = ${PATIENCE_MS}`)
    await client.query('select pg_advisory_xact_lock($1)', [STARTUP_LOCK])
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== LOCK_TIMEOUT) throw error
    throw new Error(
      `another process has held the advisory lock ${STARTUP_LOCK} for ${PATIENCE_MS / 1000} s: look for it in pg_locks`,
      { cause: error }
    )
  } finally {
    clearTimeout(waiting)
  }
}
