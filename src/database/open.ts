import type { Log } from '#logging/log.ts'
import type { Database } from './database.ts'
import { openPostgres } from './postgres.ts'

export interface DatabaseAddress {
  readonly databaseUrl: string | null
  /** Where sessions are not shared, if `databaseUrl` leads through a pooler that shares them. */
  readonly directUrl?: string | null
  readonly dataDir: string
}

/**
 * Opens PostgreSQL at `databaseUrl`, or the embedded database in `dataDir` where that is null.
 * Throws `DataDirInUseError` when another process has the folder, `DatabaseUnusableError` where PostgreSQL cannot be used.
 */
export async function openDatabase({ databaseUrl, directUrl, dataDir }: DatabaseAddress, log: Log): Promise<Database> {
  if (databaseUrl !== null) return openPostgres(databaseUrl, directUrl ?? databaseUrl, log)
  // Only here: a process on PostgreSQL has no use for it.
  const { openEmbedded } = await import('./embedded.ts')
  return openEmbedded(dataDir)
}
