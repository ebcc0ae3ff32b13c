import type { Test } from 'tap'
import type { Database } from '#database/database.ts'
import { openDatabase } from '#database/open.ts'
import { PostgresServer } from './postgres.ts'
import { recordingLog } from './recording-log.ts'

/** A PostgreSQL of the test's own, with a migrated database that is empty otherwise. */
export async function startDatabase(t: Test): Promise<{ postgres: PostgresServer; url: string; database: Database }> {
  const postgres = await PostgresServer.start()
  t.teardown(() => postgres.stop())
  const url = await postgres.createDatabase('migrated')
  const database = await connectDatabase(t, url)
  return { postgres, url, database }
}

/** The database as one process of the service has it. Until somebody listens to its commits, it is one that crashes after each. */
export async function connectDatabase(t: Test, url: string): Promise<Database> {
  const database = await openDatabase({ databaseUrl: url, dataDir: '' }, recordingLog().log)
  t.teardown(() => database.close())
  return database
}

/** Leaves rows in the outbox as a transaction does that touched these tags. */
export async function leaveTags({ client }: Database, tags: readonly string[]): Promise<void> {
  await client.$executeRaw`insert into cache_invalidation (tag) select unnest(${tags}::text[])`
}
