import { fromPglite } from 'pg-boss'
import { DATABASE_DEFAULTS } from '#config/defaults.ts'
import { watchPglite } from './commits.ts'
import { lockDataDir } from './data-dir-lock.ts'
import { Database } from './database.ts'
import { openPglite, pgliteAdapter } from './pglite.ts'
import { UTC } from './pool.ts'
import { readRights } from './rights.ts'
import { createShares } from './shares.ts'
import { sqlOnPglite } from './sql.ts'

/** Opens the embedded database in `dataDir`. Throws `DataDirInUseError` if another process uses the folder. */
export async function openEmbedded(dataDir: string): Promise<Database> {
  const unlock = lockDataDir(dataDir)
  const pglite = await openPglite(dataDir)
  await pglite.exec(UTC)
  const sql = sqlOnPglite(pglite)
  const database = new Database({
    adapter: pgliteAdapter(pglite),
    sql,
    control: sql,
    shares: createShares(DATABASE_DEFAULTS.poolSize),
    statementTimeoutMs: DATABASE_DEFAULTS.statementTimeoutMs,
    pooled: false,
    rights: await readRights(sql),
    // The lock on the folder excludes all other processes.
    exclusively: (task) => task(),
    listen: (channel, notified) => pglite.listen(channel, notified),
    queue: async () => ({ db: fromPglite(pglite), backend: 'pglite' }),
    release: async () => {
      await pglite.close()
      unlock()
    }
  })
  watchPglite(pglite, database)
  return database
}
