import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '#config/config.ts'
import { buildApp } from '../../src/app.ts'
import { ROOT } from './script.ts'

/** What the content of a first start is made of. */
const SOURCES = ['prisma/migrations', 'src/database', 'src/seed', 'src/courses', 'package-lock.json']

/**
 * Fills `folder` with what a first start makes there, migrated and with the demo catalogue: a copy takes a twentieth of the
 * time. Made once a machine and version; tests at the same moment race for the name, and any of them may win.
 */
export async function copySeededDataDir(folder: string): Promise<void> {
  const home = join(tmpdir(), `aikademiya-seeded-${process.getuid?.() ?? 0}-${await version()}`)
  if (!existsSync(home)) {
    const draft = await mkdtemp(`${home}-`)
    // In production no demo admin is made: each test names its own.
    const env = { NODE_ENV: 'production', SESSION_SECRET: 'nobody signs in here so any secret will do', SEED: 'demo' }
    const app = await buildApp(readConfig({ ...env, DATA_DIR: draft, LOG_LEVEL: 'silent' }))
    await app.close()
    await rename(draft, home).catch(() => rm(draft, { recursive: true }))
  }
  await cp(home, folder, { recursive: true })
}

async function version(): Promise<string> {
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    const path = join(ROOT, source)
    const files = source.includes('.') ? [path] : await filesIn(path)
    for (const file of files) hash.update(await readFile(file))
  }
  return hash.digest('hex').slice(0, 16)
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => join(entry.parentPath, entry.name)).sort()
}
