/** `npm run migrate`: applies the pending migrations to DATABASE_URL, or to the embedded database of DATA_DIR, those of the job queue, too. */
import { migrate } from '#database/migrate.ts'
import { GenerationQueue } from '#generation/queue.ts'
import { onDatabase } from './on-database.ts'

await onDatabase(async (database, log) => {
  const applied = await database.exclusively(() => migrate(database, log), log)
  const queue = await GenerationQueue.open(database, { works: false, migrate: true }, log)
  await queue.close(0)
  console.log(applied.length === 0 ? 'nothing to apply' : `applied: ${applied.join(', ')}`)
})
