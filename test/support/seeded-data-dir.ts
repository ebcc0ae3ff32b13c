import { readConfig } from '#config/config.ts'
import { buildApp } from '../../src/app.ts'
import { copyFolder } from './copy-folder.ts'
import { contentVersion, madeOnce } from './made-once.ts'
import { makeSmall } from './small-database.ts'

/**
 * Fills `folder` like a first start, migrated and with the demo catalogue. This is a copy, which takes a twentieth of
 * the time. It has no demo admin, as in production: each test configures its own.
 */
export async function copySeededDataDir(folder: string): Promise<void> {
  const home = await madeOnce(`seeded-${await contentVersion()}`, async (draft) => {
    const env = { NODE_ENV: 'production', SESSION_SECRET: 'nobody signs in here so any secret will do', SEED: 'demo' }
    const app = await buildApp(readConfig({ ...env, DATA_DIR: draft, LOG_LEVEL: 'silent' }))
    await app.close()
    await makeSmall(draft)
  })
  await copyFolder(home, folder)
}
