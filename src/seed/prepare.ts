import type { Config } from '#config/config.ts'
import type { Database } from '#database/database.ts'
import { migrate, requireMigrated, unknownMigrations } from '#database/migrate.ts'
import { requireCoherence } from '#database/self-check.ts'
import { DatabaseUnusableError } from '#database/unusable.ts'
import type { Log } from '#logging/log.ts'
import { ensureAdmin } from '#users/admin.ts'
import { isEmpty, seedDemo } from './seed.ts'

/**
 * Prepares a database for this version of the service: migrates it, creates the admin, seeds it if configured, and
 * checks that the cache will be notified of writes. Throws `DatabaseUnusableError`.
 */
export async function prepareDatabase(database: Database, config: Config, log: Log): Promise<void> {
  const prepared = database.exclusively(async () => {
    if (config.migrate === 'none') await requireMigrated(database)
    else await migrate(database, log)
    const unknown = await unknownMigrations(database)
    if (unknown.length > 0) {
      log.warn(
        { unknown },
        'the database is newer than this version of the service: fine during an update; to go back, see docs/upgrade.md'
      )
    }
    await requireCoherence(database)
    // The admin first: if a start is interrupted in between, the next one still finds the database empty, and seeds it.
    const demo = config.seed === 'demo' && (await isEmpty(database.client))
    // In production, the password must not be logged.
    await ensureAdmin(database.client, config.admin, demo && !config.production, log)
    if (demo) await seedDemo(database, log)
  }, log)
  await prepared.catch((error) => {
    throw config.databaseUrl === null ? error : DatabaseUnusableError.of(error)
  })
}
