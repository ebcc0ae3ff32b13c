import { statfs } from 'node:fs/promises'
import pg from 'pg'
import { APPLICATION_NAME } from '#database/application-name.ts'
import { BackupError, messageOf } from './backup-error.ts'

const CONNECT_TIMEOUT_MS = 10_000
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])?$/

/** What a backup or a restore checks before it begins. */
export interface DatabaseState {
  /** Such as `17.2`. */
  readonly version: string
  readonly major: number
  /** The schema with the tables of the service; null if there are none. */
  readonly schema: string | null
  readonly bytes: number
  /** Without indexes, which are not part of a dump. */
  readonly tableBytes: number
  /** How many connections the service has open. */
  readonly connections: number
  /**
   * Free space on the database's disk, in bytes; null if unknown, because it is on another machine or the role may not
   * ask.
   */
  readonly free: number | null
}

const STATE = `select split_part(current_setting('server_version'), ' ', 1) as version,
  current_setting('server_version_num')::int / 10000 as major,
  (select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = to_regclass('cache_store')) as schema,
  pg_database_size(current_database())::float8 as bytes,
  (select coalesce(sum(pg_table_size(oid)), 0)::float8 from pg_class where relkind in ('r', 'm') and relnamespace::regnamespace::text !~ '^(pg_catalog|pg_toast|information_schema)') as "tableBytes",
  (select count(*)::int from pg_stat_activity where datname = current_database() and application_name = $1) as connections`

const FOLDER = `select coalesce(nullif(pg_tablespace_location(dattablespace), ''), current_setting('data_directory')) as folder
  from pg_database where datname = current_database()`

/** Reads the state of a database; throws `BackupError` if it does not answer. */
export async function stateOf(databaseUrl: string): Promise<DatabaseState> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<Omit<DatabaseState, 'free'>>(STATE, [APPLICATION_NAME])
    const [state] = rows
    if (state === undefined) throw new Error('no answer')
    return { ...state, free: await freeAt(client, databaseUrl) }
  } catch (error) {
    throw new BackupError(`PostgreSQL cannot be queried: ${messageOf(error)}; check DATABASE_URL and the server`)
  } finally {
    await client.end().catch(() => {})
  }
}

async function freeAt(client: pg.Client, databaseUrl: string): Promise<number | null> {
  if (!LOOPBACK.test(new URL(databaseUrl).hostname)) return null
  try {
    const { rows } = await client.query<{ folder: string }>(FOLDER)
    return await freeIn(rows[0]?.folder ?? '')
  } catch {
    return null
  }
}

/** The free space on the disk of a folder, in bytes. */
export async function freeIn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
