import type { Config } from '#config/config.ts'
import type { Database } from '#database/database.ts'
import { migrate, requireMigrated, unknownMigrations } from '#database/migrate.ts'
import { requireCoherence } from '#database/self-check.ts'
import { DatabaseUnusableError } from '#database/unusable.ts'
import type { Log } from '#logging/log.ts'
import { ensureAdmin } from '#users/admin.ts'
import { isEmpty, seedDemo } from './seed.ts'

/**
 * Brings a database to where this version of the service can use it: migrated, seeded where asked, with its admin, and proven
 * to keep the promise of the cache. Throws `DatabaseUnusableError`.
 */
export async function prepareDatabase(database: Database, config: Config, log: Log): Promise<void> {
  const prepared = database.exclusively(async () => {
    if (config.migrate === 'none') await requireMigrated(database)
    else await migrate(database, log)
    const unknown = await unknownMigrations(database)
    if (unknown.length > 0) {
      log.warn(
        { unknown },
        'the database is newer than this version of the service: good for the time of an update; see docs/upgrade.md to go back'
      )
    }
    await requireCoherence(database)
    // The admin first: a start that breaks off in between is repeated whole.
    const demo = config.seed === 'demo' && (await isEmpty(database.client))
    // In production no password is written to a log.
    await ensureAdmin(database.client, config.admin, demo && !config.production, log)
    if (demo) await seedDemo(database, log)
  }, log)
  await prepared.catch((error) => {
    throw config.databaseUrl === null ? error : DatabaseUnusableError.of(error)
  })
}
