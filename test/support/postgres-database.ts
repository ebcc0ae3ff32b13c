import type { Test } from 'tap'
import type { Database } from '#database/database.ts'
import { openDatabase } from '#database/open.ts'
import { PostgresServer } from './postgres.ts'
import { recordingLog } from './recording-log.ts'

/** Starts a PostgreSQL for the test, with a migrated but empty database. */
export async function startDatabase(t: Test): Promise<{ postgres: PostgresServer; url: string; database: Database }> {
  const postgres = await PostgresServer.start()
  t.teardown(() => postgres.stop())
  const url = await postgres.createDatabase('migrated')
  const database = await connectDatabase(t, url)
  return { postgres, url, database }
}

/**
 * Opens the database like a process of the service. As long as nothing listens to its commits, it behaves like a
 * process that crashes after each.
 */
export async function connectDatabase(t: Test, url: string): Promise<Database> {
  const database = await openDatabase({ databaseUrl: url, dataDir: '' }, recordingLog().log)
  t.teardown(() => database.close())
  return database
}

/** Leaves rows in the outbox, like a transaction that invalidates these tags. */
export async function leaveTags({ client }: Database, tags: readonly string[]): Promise<void> {
  await client.$executeRaw`insert into cache_invalidation (tag) select unnest(${tags}::text[])`
}
