/** `npm run seed`: migrates, and fills an empty database with the demo catalogue and its admin. */
import { ensureAdmin } from '../db/admin.ts'
import { migrate } from '../db/prepare.ts'
import { isEmpty, seedDemo } from '../db/seed/seed.ts'
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
