import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import pg from 'pg'
import { type ConstructorOptions, fromPglite } from 'pg-boss'
import type { Log } from '../log.ts'
import { APPLICATION, type CommitListener, type Invalidation, watchPglite, watchPool } from './commits.ts'
import { lockDataDir } from './data-dir-lock.ts'
import { type Prisma, PrismaClient } from './generated/client.ts'
import { refusedInsideWrite, runInsideWrite } from './inside-write.ts'
import { listenTo, type Notified } from './notifications.ts'
import { Outbox } from './outbox.ts'
import { runningScripts } from './scripts.ts'
import { type Sql, sqlOnPglite, sqlOnPool } from './sql.ts'
import { isDeadlock } from './unavailable.ts'

/** How many connections one process keeps to PostgreSQL, and how long it waits for one, in ms. */
const POOL_SIZE = 10
const OUTBOX_POOL_SIZE = 2
const QUEUE_POOL_SIZE = 3
const CONNECT_TIMEOUT_MS = 5000

/** How often a write is tried that PostgreSQL rolls back because of a deadlock. */
const WRITE_ATTEMPTS = 4

/** The queue writes no row that is cached: it needs no notices of what it touched. */
const QUEUE_APPLICATION = `${APPLICATION}-queue`

/** The advisory lock that lets one process at a time migrate and seed; any number that nobody else uses. */
const STARTUP_LOCK = 4_714_032_001n

export type Transaction = Prisma.TransactionClient

interface Parts {
  readonly adapter: SqlMigrationAwareDriverAdapterFactory
  readonly exclusively: <T>(task: () => Promise<T>) => Promise<T>
  /** What the outbox runs on: connections of its own, where a write may hold the last of the others until it is done. */
  readonly outbox: Sql
  /** Calls back when a transaction announces something on the channel, until the function it resolves to is called. */
  readonly listen: (channel: string, notified: Notified, log: Log) => Promise<() => Promise<void>>
  /** What the job queue connects to. */
  readonly queue: QueueDatabase
  readonly release: () => Promise<void>
}

/** A database as pg-boss takes it. */
export type QueueDatabase = Pick<ConstructorOptions, 'connectionString' | 'application_name' | 'max' | 'db' | 'backend'>

/** The database, whichever it is. */
export class Database {
  /** Whatever it writes is invalidated after the commit and before the write resolves (`commits.ts`). */
  readonly client: PrismaClient
  readonly outbox: Outbox
  readonly #parts: Parts
  // Until somebody listens, invalidations stay in the outbox, for a sweeper.
  #listener: CommitListener = async () => {}

  constructor(parts: Parts) {
    this.#parts = parts
    this.client = refusedInsideWrite(new PrismaClient({ adapter: parts.adapter }))
    this.outbox = new Outbox(parts.outbox)
  }

  /** What the migration engine runs on. */
  get adapter(): SqlMigrationAwareDriverAdapterFactory {
    return this.#parts.adapter
  }

  /**
   * Runs `task` in one transaction and invalidates once, after its commit; a rollback invalidates nothing. Inside, use
   * `tx` only: what the client itself does would not be part of the transaction, and throws. Of two that wait for each
   * other PostgreSQL rolls one back, and that one is run again.
   */
  async write<T>(task: (tx: Transaction) => Promise<T>, options?: { timeout?: number }): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        // Awaited inside: a query of Prisma begins when it is awaited, and must be found here then.
        return await this.client.$transaction((tx) => runInsideWrite(async () => await task(tx)), options)
      } catch (error) {
        if (attempt === WRITE_ATTEMPTS || !isDeadlock(error)) throw error
      }
    }
  }

  /** Runs `task` while no other process on this database runs one: migrations and seeds. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    return this.#parts.exclusively(task)
  }

  /** What the job queue connects to. */
  get queue(): QueueDatabase {
    return this.#parts.queue
  }

  /**
   * Calls `notified` when a transaction announces something on `channel`, and with null when it may have been missed.
   * The function that this resolves to ends it.
   */
  listen(channel: string, notified: Notified, log: Log): Promise<() => Promise<void>> {
    return this.#parts.listen(channel, notified, log)
  }

  /** From now on `listener` is told of every commit before its write is acknowledged. */
  onCommit(listener: CommitListener): void {
    this.#listener = listener
  }

  committed(invalidations: readonly Invalidation[]): Promise<void> {
    return this.#listener(invalidations)
  }

  async close(): Promise<void> {
    await this.outbox.flush().catch(() => {})
    await this.client.$disconnect()
    await this.#parts.release()
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
  // Only here: a process on PostgreSQL has no use for it.
  const { openPglite, pgliteAdapter } = await import('./pglite.ts')
  const pglite = await openPglite(dataDir)
  const adapter = pgliteAdapter(pglite)
  const database = new Database({
    adapter,
    outbox: sqlOnPglite(pglite),
    // The lock on the folder keeps every other process out.
    exclusively: (task) => task(),
    listen: (channel, notified) => pglite.listen(channel, notified),
    queue: { db: fromPglite(pglite), backend: 'pglite' },
    release: async () => {
      await pglite.close()
      unlock()
    }
  })
  await watchPglite(pglite, (invalidations) => database.committed(invalidations))
  return database
}

async function openPostgres(databaseUrl: string): Promise<Database> {
  const connection = {
    connectionString: withoutApplicationName(databaseUrl),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: APPLICATION
  }
  const pool = new pg.Pool({ ...connection, max: POOL_SIZE })
  const outboxPool = new pg.Pool({ ...connection, max: OUTBOX_POOL_SIZE })
  const database = new Database({
    adapter: runningScripts(new PrismaPg(pool), (script) => inSession(connection, (session) => session.query(script))),
    outbox: sqlOnPool(outboxPool),
    // The end of the session releases the lock, as its death would.
    exclusively: (task) =>
      inSession(connection, async (session) => {
        await session.query('select pg_advisory_lock($1)', [STARTUP_LOCK])
        return task()
      }),
    listen: async (channel, notified, log) => listenTo(channel, databaseUrl, notified, log),
    queue: { connectionString: connection.connectionString, application_name: QUEUE_APPLICATION, max: QUEUE_POOL_SIZE },
    release: async () => {
      await Promise.all([pool.end(), outboxPool.end()])
    }
  })
  watchPool(pool, (invalidations) => database.committed(invalidations))
  return database
}

/** The name in the URL would win over ours, by which the triggers know the service. */
function withoutApplicationName(databaseUrl: string): string {
  const url = new URL(databaseUrl)
  url.searchParams.delete('application_name')
  return url.href
}

async function inSession<T>(connection: pg.ClientConfig, task: (session: pg.Client) => Promise<T>): Promise<T> {
  const session = new pg.Client(connection)
  // Its loss is told by the query that is under way, or by the next one.
  session.on('error', () => {})
  await session.connect()
  return task(session).finally(() => session.end())
}
