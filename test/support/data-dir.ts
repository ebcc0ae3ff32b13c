import { readFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { migrate } from '#database/migrate.ts'
import { openDatabase } from '#database/open.ts'
import { openPglite } from '#database/pglite.ts'
import { copyFolder } from './copy-folder.ts'
import { contentVersion, madeOnce } from './made-once.ts'
import { recordingLog } from './recording-log.ts'
import { temporaryFolder } from './service.ts'
import { makeSmall } from './small-database.ts'

/**
 * A DATA_DIR for the embedded service, with an empty PostgreSQL. Initializing an
 * empty folder takes PGlite seconds; a copy of the result takes a tenth of a second. (test/server.test.ts covers a start on an empty folder.)
 */
export async function freshDataDir(t: Test): Promise<string> {
  const packageFile = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  const { version } = JSON.parse(await readFile(packageFile, 'utf8'))
  const home = await madeOnce(`pglite-${version}-small`, async (draft) => {
    const pglite = await openPglite(draft)
    await pglite.close()
    await makeSmall(draft)
  })
  return copyOf(t, home)
}

/** The same, migrated. */
export async function migratedDataDir(t: Test): Promise<string> {
  const home = await madeOnce(`migrated-${await contentVersion()}`, async (draft) => {
    const { log } = recordingLog()
    const database = await openDatabase({ databaseUrl: null, dataDir: draft }, log)
    await migrate(database, log).finally(() => database.close())
    await makeSmall(draft)
  })
  return copyOf(t, home)
}

async function copyOf(t: Test, home: string): Promise<string> {
  const folder = await temporaryFolder(t)
  await copyFolder(home, folder)
  return folder
}
