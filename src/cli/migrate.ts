/**
 * `npm run migrate`: applies pending migrations, including those of the job queue, to DATABASE_URL or the embedded
 * database in DATA_DIR.
 */
import { migrate } from '#database/migrate.ts'
import { GenerationQueue } from '#generation/queue.ts'
import { onDatabase } from './on-database.ts'

await onDatabase(async (database, log) => {
  const applied = await database.exclusively(() => migrate(database, log), log)
  const queue = await GenerationQueue.open(database, { works: false, migrate: true }, log)
  await queue.close(0)
  console.log(applied.length === 0 ? 'nothing to apply' : `applied: ${applied.join(', ')}`)
})
