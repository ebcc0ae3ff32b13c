import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import pg from 'pg'
import { type Client, type CommitListener, createClient } from './client.ts'
import { lockDataDir } from './data-dir-lock.ts'
import { PrismaClient } from './generated/client.ts'
import { Outbox } from './outbox.ts'
import { openPglite, pgliteAdapter } from './pglite.ts'
import { runningScripts } from './scripts.ts'

/** How many connections one process keeps to PostgreSQL, and how long it waits for one, in ms. */
const POOL_SIZE = 10
const CONNECT_TIMEOUT_MS = 5000

/** By this name the triggers tell writes of the service from others. */
const APPLICATION = 'ai-akademiya-api'

/** The advisory lock that lets one process at a time migrate and seed; any number that nobody else uses. */
const STARTUP_LOCK = 4_714_032_001n

/** The database, whichever it is. */
export class Database {
  readonly client: Client
  readonly outbox: Outbox
  readonly adapter: SqlMigrationAwareDriverAdapterFactory
  /** Runs `task` while no other process on this database runs one: migrations and seeds. */
  readonly exclusively: <T>(task: () => Promise<T>) => Promise<T>
  readonly #release: () => Promise<void>
  // Until somebody listens, invalidations stay in the outbox, for the sweeper.
  #committed: CommitListener = async () => {}

  constructor(parts: Pick<Database, 'adapter' | 'exclusively'> & { release: () => Promise<void> }) {
    const plain = new PrismaClient({ adapter: parts.adapter })
    this.adapter = parts.adapter
    this.exclusively = parts.exclusively
    this.client = createClient(plain, (invalidations) => this.#committed(invalidations))
    this.outbox = new Outbox(plain)
    this.#release = async () => {
      await plain.$disconnect()
      await parts.release()
    }
  }

  /** From now on `listener` is told of every commit before its write is acknowledged. */
  onCommit(listener: CommitListener): void {
    this.#committed = listener
  }

  async close(): Promise<void> {
    await this.outbox.flush().catch(() => {})
    await this.#release()
  }
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
  return new Database({
    adapter: pgliteAdapter(pglite),
    // The lock on the folder keeps every other process out.
    exclusively: (task) => task(),
    release: async () => {
      await pglite.close()
      unlock()
    }
  })
}

async function openPostgres(connectionString: string): Promise<Database> {
  const connection = { connectionString, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, application_name: APPLICATION }
  return new Database({
    adapter: runningScripts(new PrismaPg({ ...connection, max: POOL_SIZE }), (script) =>
      inSession(connection, (session) => session.query(script))
    ),
    // The end of the session releases the lock, as its death would.
    exclusively: (task) =>
      inSession(connection, async (session) => {
        await session.query('select pg_advisory_lock($1)', [STARTUP_LOCK])
        return task()
      }),
    release: async () => {}
  })
}

async function inSession<T>(connection: pg.ClientConfig, task: (session: pg.Client) => Promise<T>): Promise<T> {
  const session = new pg.Client(connection)
  await session.connect()
  return task(session).finally(() => session.end())
}
