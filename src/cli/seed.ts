/** `npm run seed`: migrates the database and, if it is empty, adds the demo catalogue and an admin. */

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
    else console.log('the database already has courses or categories: nothing seeded')
  }, log)
)
