import pg from 'pg'
import type { Log } from '#logging/log.ts'
import { STARTUP_LOCK } from './advisory-locks.ts'
import { connectionOptions } from './pool.ts'

const LOG_AFTER_MS = 1000
/** Less than the timeout of a start (`app.ts`), so that the start fails with a clear reason. */
const LOCK_TIMEOUT_MS = 110_000
/** SQLSTATE lock_not_available. */
const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Runs `task` while no other process on this database runs one. The lock belongs to a transaction, not a session:
 * behind a pooler in transaction mode the session is shared, and would keep the lock. The lock ends with the
 * connection, however the process dies.
 */
export async function withStartupLock<T>(databaseUrl: string, log: Log, task: () => Promise<T>): Promise<T> {
  const client = new pg.Client(connectionOptions(databaseUrl))
  // The current or the next query reports a lost connection.
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
    LOG_AFTER_MS
  )
  try {
    await client.query('begin isolation level read committed')
    // Override timeouts of the role or the database: this connection waits for the lock, then idles while the task runs
    // elsewhere.
    await client.query('set local statement_timeout = 0')
    await client.query('set local idle_in_transaction_session_timeout = 0')
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
    await client.query('select pg_advisory_xact_lock($1)', [STARTUP_LOCK])
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error
    throw new Error(
      `another process has held the advisory lock ${STARTUP_LOCK} for ${LOCK_TIMEOUT_MS / 1000} s: look for it in pg_locks`,
      { cause: error }
    )
  } finally {
    clearTimeout(waiting)
  }
}
