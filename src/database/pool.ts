import pg from 'pg'
import { APPLICATION_NAME } from './application-name.ts'
import { READ_ONLY } from './unavailable.ts'

const CONNECT_TIMEOUT_MS = 5000
/** No connection is kept longer, in s: behind a proxy it may still lead to a server that is not the primary any more. */
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
 * At most `max` connections to PostgreSQL. A statement that is refused because its connection is read-only empties the
 * pool of idle connections: after a failover all of them lead to the old primary.
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
  // A lost connection is reported by the query that is under way, or by the next one.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  // The pool removes a client that is ended when it is released.
  pool.on('release', (_error, client) => {
    if (readOnly.has(client)) void client.end()
  })
  return pool
}

/**
 * Prisma's adapter writes and reads instants without their offset, so a session in another time zone would store them
 * wrong. A statement, and not a parameter of the connection: some poolers refuse those, and those that share server
 * connections between clients follow this one.
 */
export const UTC = "set time zone 'UTC'"

const readOnly = new WeakSet<pg.PoolClient>()

/**
 * Closes the idle connections of a pool of `createPool` where a statement failed with `error` because they are read-only, and `client`, on
 * which it failed, once that is released.
 */
export function discardReadOnly(pool: pg.Pool, error: unknown, client?: pg.PoolClient): void {
  if (!(error instanceof pg.DatabaseError) || error.code !== READ_ONLY) return
  if (client !== undefined) readOnly.add(client)
  discardIdle(pool)
}

/** Closes the idle connections: new ones are made when they are needed. */
function discardIdle(pool: pg.Pool): void {
  for (let idle = pool.idleCount; idle > 0; idle--) {
    pool.connect().then(
      (client) => client.release(true),
      () => {}
    )
  }
}
