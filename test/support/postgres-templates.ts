import { readConfig } from '#config/config.ts'
import { migrate } from '#database/migrate.ts'
import { openDatabase } from '#database/open.ts'
import { GenerationQueue } from '#generation/queue.ts'
import { prepareDatabase } from '#seed/prepare.ts'
import { recordingLog } from './recording-log.ts'

/**
 * Contents of a new database: those after `npm run migrate`, or after a first start with the demo catalogue, without a
 * demo admin.
 */
export type Template = 'migrated' | 'seeded'

/**
 * Fills an empty database as the template of this name. The invalidations stay in the outbox for the first process that
 * starts on it.
 */
export async function fillTemplate(template: Template, DATABASE_URL: string): Promise<void> {
  const { log } = recordingLog()
  const secret = 'nobody signs in here so any secret will do'
  const config = readConfig({ NODE_ENV: 'production', SESSION_SECRET: secret, DATABASE_URL, SEED: 'demo' })
  const database = await openDatabase(config, log)
  try {
    if (template === 'seeded') await prepareDatabase(database, config, log)
    else await migrate(database, log)
    const queue = await GenerationQueue.open(database, { works: false, migrate: true }, log)
    await queue.close(0)
  } finally {
    await database.close()
  }
}
