import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import pg from 'pg'
import { lockDataDir } from './data-dir-lock.ts'
import { PrismaClient } from './generated/client.ts'
import { openPglite, pgliteAdapter } from './pglite.ts'

/** How many connections one process keeps to PostgreSQL, and how long it waits for one, in ms. */
const POOL_SIZE = 10
const CONNECT_TIMEOUT_MS = 5000

/** The advisory lock that lets one process at a time migrate and seed; any number that nobody else uses. */
const STARTUP_LOCK = 4_714_032_001n

export interface Database {
  readonly client: PrismaClient
  readonly adapter: SqlMigrationAwareDriverAdapterFactory
  /** Runs `task` while no other process on this database runs one: migrations and seeds. */
  exclusively<T>(task: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/**
 * Opens PostgreSQL at `databaseUrl`, or the embedded database in `dataDir` where that is null.
 * Throws `DataDirInUseError` when another process has the folder.
 */
export function openDatabase(options: { databaseUrl: string | null; dataDir: string }): Promise<Database> {
  return options.databaseUrl === null ? openEmbedded(options.dataDir) : openPostgres(options.databaseUrl)
}

async function openEmbedded(dataDir: string): Promise<Database> {
  const unlock = lockDataDir(dataDir)
  const pglite = await openPglite(dataDir)
  const adapter = pgliteAdapter(pglite)
  const client = new PrismaClient({ adapter })
  return {
    client,
    adapter,
    // The lock on the folder keeps every other process out.
    exclusively: (task) => task(),
    close: async () => {
      await client.$disconnect()
      await pglite.close()
      unlock()
    }
  }
}

async function openPostgres(databaseUrl: string): Promise<Database> {
  const connection = { connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS }
  const adapter = new PrismaPg({ ...connection, max: POOL_SIZE })
  const client = new PrismaClient({ adapter })
  return {
    client,
    adapter,
    exclusively: async (task) => {
      const session = new pg.Client(connection)
      await session.connect()
      try {
        await session.query('select pg_advisory_lock($1)', [STARTUP_LOCK])
        return await task()
      } finally {
        // Ending the session releases the lock, as its death would.
        await session.end()
      }
    },
    close: () => client.$disconnect()
  }
}
