import type { Log } from '#logging/log.ts'
import type { Database } from './database.ts'
import { readMigrations } from './migrations.ts'
import { requireRightsToMigrate } from './rights.ts'
import { fillSearch } from './search-fill.ts'
import { DatabaseUnusableError } from './unusable.ts'

/**
 * Applies the pending migrations, and the work that follows them in batches; resolves to their names. Call it inside
 * `exclusively`.
 */
export async function migrate(database: Database, log: Log): Promise<string[]> {
  const applied = await applyPending(database, log)
  const filled = await fillSearch(database)
  if (filled > 0) log.info({ filled }, 'courses indexed for search')
  return applied
}

async function applyPending(database: Database, log: Log): Promise<string[]> {
  if ((await pendingMigrations(database)).length === 0) return []
  requireRightsToMigrate(database.rights)
  await clearInterruptedMigrations(database)
  // Imported here because loading the engine takes a while, and a migrated database does not need it.
  const { applyMigrations } = await import('./schema-engine.ts')
  const applied = await applyMigrations(database.adapter, (migration) =>
    log.warn(
      { migration },
      'a migration waits for a lock that another session holds (pg_locks, pg_stat_activity): retrying'
    )
  )
  log.info({ applied }, 'database migrated')
  return applied
}

/** The applied migrations that this version does not know, because a newer version has migrated the database. */
export async function unknownMigrations({ client }: Database): Promise<string[]> {
  const known = new Set((await readMigrations()).map(({ name }) => name))
  return [...(await appliedMigrations(client))].filter((name) => !known.has(name))
}

/** Throws `DatabaseUnusableError` if migrations are pending. */
export async function requireMigrated(database: Database): Promise<void> {
  const pending = await pendingMigrations(database)
  if (pending.length === 0) return
  throw new DatabaseUnusableError(
    `MIGRATE=none, and migrations are pending: ${pending.join(', ')}; apply them with npm run migrate`
  )
}

/** An interrupted migration has left nothing behind (`schema-engine.ts`), so it may be applied again. */
async function clearInterruptedMigrations({ client }: Database): Promise<void> {
  if (!(await hasMigrationsTable(client))) return
  await client.$executeRaw`
    update _prisma_migrations set rolled_back_at = now() where finished_at is null and rolled_back_at is null`
}

async function pendingMigrations({ client }: Database): Promise<string[]> {
  const names = (await readMigrations()).map(({ name }) => name)
  const applied = await appliedMigrations(client)
  return names.filter((name) => !applied.has(name))
}

async function appliedMigrations(client: Database['client']): Promise<Set<string>> {
  if (!(await hasMigrationsTable(client))) return new Set()
  const rows = await client.$queryRaw<{ name: string }[]>`
    select migration_name as name from _prisma_migrations where finished_at is not null and rolled_back_at is null`
  return new Set(rows.map((row) => row.name))
}

async function hasMigrationsTable(client: Database['client']): Promise<boolean> {
  const [table] = await client.$queryRaw<
    [{ exists: boolean }]
  >`select to_regclass('_prisma_migrations') is not null as exists`
  return table.exists
}
