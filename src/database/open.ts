import { DATABASE_DEFAULTS } from '#config/defaults.ts'
import type { Log } from '#logging/log.ts'
import type { Database } from './database.ts'
import { openPostgres } from './postgres.ts'

export interface DatabaseAddress {
  readonly databaseUrl: string | null
  /** Where sessions are not shared, if `databaseUrl` leads through a pooler that shares them. */
  readonly directUrl?: string | null
  readonly dataDir: string
  /** How many connections the requests of one process share. */
  readonly poolSize?: number
  /** How long one statement may take, in ms; 0 is as long as it takes. */
  readonly statementTimeoutMs?: number
}

/**
 * Opens PostgreSQL at `databaseUrl`, or the embedded database in `dataDir` where that is null.
 * Throws `DataDirInUseError` when another process has the folder, `DatabaseUnusableError` where PostgreSQL cannot be used.
 */
export async function openDatabase(address: DatabaseAddress, log: Log): Promise<Database> {
  const { databaseUrl, directUrl, dataDir } = address
  const { poolSize, statementTimeoutMs } = { ...DATABASE_DEFAULTS, ...address }
  if (databaseUrl !== null) {
    return openPostgres({ databaseUrl, directUrl: directUrl ?? databaseUrl, poolSize, statementTimeoutMs }, log)
  }
  // Only here: a process on PostgreSQL has no use for it.
  const { openEmbedded } = await import('./embedded.ts')
  return openEmbedded(dataDir)
}
