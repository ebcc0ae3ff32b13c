/** `npm run seed`: migrates, and fills an empty database with the demo catalogue and its admin. */

import { migrate } from '#database/migrate.ts'
import { isEmpty, seedDemo } from '#seed/seed.ts'
import { ensureAdmin } from '#users/admin.ts'
import { onDatabase } from './on-database.ts'

await onDatabase((database, log, config) =>
  database.exclusively(async () => {
    await migrate(database, log)
    const demo = await isEmpty(database.client)
    await ensureAdmin(database.client, config.admin, demo, log)
    if (demo) await seedDemo(database, log)
    else console.log('the database has courses or categories already: nothing seeded')
  }, log)
)
