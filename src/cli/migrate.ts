/** `npm run migrate`: applies the pending migrations to DATABASE_URL, or to the embedded database of DATA_DIR. */

import { migrate } from '../db/prepare.ts'
import { onDatabase } from './on-database.ts'

await onDatabase(async (database, log) => {
  const applied = await database.exclusively(() => migrate(database, log), log)
  console.log(applied.length === 0 ? 'nothing to apply' : `applied: ${applied.join(', ')}`)
})
