import pg from 'pg'
import { APPLICATION_NAME } from './application-name.ts'
import { READ_ONLY } from './unavailable.ts'

const CONNECT_TIMEOUT_MS = 5000
/**
 * The maximum age of a connection, in s: behind a proxy, an old one may lead to a server that is no longer the primary.
 */
const MAX_AGE_S = 600

/** The options of every connection of the service, pooled or not. */
export function connectionOptions(databaseUrl: string): pg.ClientConfig {
  return {
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: APPLICATION_NAME,
    keepAlive: true
  }
}

/**
 * A pool of at most `max` connections to PostgreSQL. When a statement is refused because its connection is read-only,
 * all idle connections are closed: after a failover, they all lead to the old primary.
 */
export function createPool(databaseUrl: string, max: number): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOptions(databaseUrl),
    max,
    maxLifetimeSeconds: MAX_AGE_S,
    onConnect: async (client) => {
      await client.query(UTC)
    }
  })
  // The current or the next query reports a lost connection.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  // The pool removes a client that has ended by the time of its release.
  pool.on('release', (_error, client) => {
    if (readOnly.has(client)) void client.end()
  })
  return pool
}

/**
 * Prisma's adapter writes and reads timestamps without their offset, so a session in another time zone would store
 * wrong ones. It is a statement, not a connection parameter: some poolers refuse such parameters, and those that share
 * server connections between clients track this statement.
 */
export const UTC = "set time zone 'UTC'"

const readOnly = new WeakSet<pg.PoolClient>()

/**
 * If `error` says that the connection is read-only, closes the idle connections of the pool (of `createPool`), and
 * `client`, on which the statement failed, once it is released.
 */
export function discardReadOnly(pool: pg.Pool, error: unknown, client?: pg.PoolClient): void {
  if (!(error instanceof pg.DatabaseError) || error.code !== READ_ONLY) return
  if (client !== undefined) readOnly.add(client)
  discardIdle(pool)
}

/** Closes the idle connections; the pool opens new ones when it needs them. */
function discardIdle(pool: pg.Pool): void {
  for (let idle = pool.idleCount; idle > 0; idle--) {
    pool.connect().then(
      (client) => client.release(true),
      () => {}
    )
  }
}
