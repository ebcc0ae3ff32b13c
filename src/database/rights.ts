import type { Sql } from './sql.ts'
import { DatabaseUnusableError } from './unusable.ts'

/** The schema, role and database of this process, and its privileges there. */
export interface Rights {
  /** The first existing schema of the search path: where the tables are, or will be. */
  readonly schema: string
  readonly role: string
  readonly database: string
  readonly mayCreateTables: boolean
  readonly mayCreateSchemas: boolean
}

/** Throws `DatabaseUnusableError` if the role has no schema at all. */
export async function readRights(sql: Sql): Promise<Rights> {
  const [row] = await sql.query<Omit<Rights, 'schema'> & { schema: string | null; path: string }>(
    `select current_schema() as schema, current_user as role, current_database() as database,
       current_setting('search_path') as path,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) as "mayCreateTables",
       has_database_privilege(current_database(), 'CREATE') as "mayCreateSchemas"`
  )
  if (row === undefined) throw new Error('no row')
  const { schema, role, path } = row
  if (schema !== null) return { ...row, schema }
  throw new DatabaseUnusableError(
    `role "${role}" may use none of the schemas in its search_path (${path}): grant usage and create on one of them`
  )
}

/** Throws `DatabaseUnusableError`, before anything is written, if the role may not create tables. */
export function requireRightsToMigrate({ schema, role, database, mayCreateTables }: Rights): void {
  if (mayCreateTables) return
  throw new DatabaseUnusableError(
    `role "${role}" may not create tables in schema "${schema}" of database "${database}", which has migrations pending: ` +
      `grant create on schema "${schema}" to "${role}", or run npm run migrate as a role that may`
  )
}

const QUEUE_SCHEMA = 'pgboss'

/**
 * The schema of the job queue, and whether to create it: `pgboss`, if the tables are in `public`. A service with a
 * schema of its own keeps its queue there, separate from those of others; so does a role that may not create schemas.
 */
export async function queueSchema(
  sql: Sql,
  { schema, mayCreateSchemas }: Rights
): Promise<{ schema: string; createSchema: boolean }> {
  if (schema !== 'public') return { schema, createSchema: false }
  const [found] = await sql.query<{ own: boolean; usual: boolean }>(
    `select to_regclass('public.job') is not null as own,
       exists (select from pg_namespace where nspname = '${QUEUE_SCHEMA}') as usual`
  )
  if (found?.usual === true) return { schema: QUEUE_SCHEMA, createSchema: false }
  if (found?.own === true || !mayCreateSchemas) return { schema, createSchema: false }
  return { schema: QUEUE_SCHEMA, createSchema: true }
}
