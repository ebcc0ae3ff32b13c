import { DATABASE_DEFAULTS } from '#config/defaults.ts'
import type { Log } from '#logging/log.ts'
import type { Database } from './database.ts'
import { openPostgres } from './postgres.ts'

export interface DatabaseAddress {
  readonly databaseUrl: string | null
  /** Leads past the pooler, if `databaseUrl` leads through one that shares sessions. */
  readonly directUrl?: string | null
  readonly dataDir: string
  /** How many connections the requests of one process share. */
  readonly poolSize?: number
  /** How long one statement may take, in ms; 0 means no limit. */
  readonly statementTimeoutMs?: number
}

/**
 * Opens PostgreSQL at `databaseUrl`, or the embedded database in `dataDir` if that is null. Throws `DataDirInUseError`
 * if another process uses the folder, and `DatabaseUnusableError` if PostgreSQL cannot be used.
 */
export async function openDatabase(address: DatabaseAddress, log: Log): Promise<Database> {
  const { databaseUrl, directUrl, dataDir } = address
  const { poolSize, statementTimeoutMs } = { ...DATABASE_DEFAULTS, ...address }
  if (databaseUrl !== null) {
    return openPostgres({ databaseUrl, directUrl: directUrl ?? databaseUrl, poolSize, statementTimeoutMs }, log)
  }
  // Loaded only here: a process on PostgreSQL does not need it.
  const { openEmbedded } = await import('./embedded.ts')
  return openEmbedded(dataDir)
}
