import pg from 'pg'
import { readConfig } from '#config/config.ts'
import type { Environment } from '#config/environment.ts'
import { openDatabase } from '#database/open.ts'
import { prepareDatabase } from '#seed/prepare.ts'
import { recordingLog } from './recording-log.ts'

/** The rows of one statement, on a separate connection that bypasses the service. */
export async function query(databaseUrl: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<Record<string, unknown>>(sql).finally(() => client.end())
  return rows
}

/** Every row of every table except those of the cache, to compare states of a database. */
export async function dump(databaseUrl: string): Promise<Record<string, unknown>[]> {
  const tables = await query(
    databaseUrl,
    `select relname from pg_stat_user_tables where schemaname = 'public' and relname not in ('cache_invalidation', 'cache_store') order by 1`
  )
  const selects = tables.map(({ relname }) => `select '${relname}' as table, t::text as row from "${relname}" t`)
  return query(databaseUrl, `${selects.join(' union all ')} order by 1, 2`)
}

/** Prepares the database like a start with this environment, and disconnects; resolves to the log. */
export async function prepare(env: Environment): Promise<string> {
  const config = readConfig(env)
  const { log, written } = recordingLog()
  const database = await openDatabase(config, log)
  await prepareDatabase(database, config, log).finally(() => database.close())
  return written()
}
