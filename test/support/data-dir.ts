import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { openPglite } from '#database/pglite.ts'
import { run } from './server-process.ts'
import { temporaryFolder } from './service.ts'

/**
 * A DATA_DIR for the embedded service, with a PostgreSQL in which nothing has happened yet. What PGlite does on an
 * empty folder takes seconds; a copy of what it leaves there takes a tenth of one. (A start on an empty folder is tested with the server.)
 */
export async function freshDataDir(t: Test): Promise<string> {
  const folder = await temporaryFolder(t)
  const copied = await run('cp', ['-R', `${await template()}/.`, folder])
  if (copied.code !== 0) throw new Error(copied.stderr)
  return folder
}

/** Made once a machine and version; tests at the same moment race for the name, and any of them may win. */
async function template(): Promise<string> {
  const packageFile = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  const { version } = JSON.parse(await readFile(packageFile, 'utf8'))
  const home = join(tmpdir(), `aikademiya-pglite-${process.getuid?.() ?? 0}-${version}`)
  if (existsSync(home)) return home

  const draft = await mkdtemp(`${home}-`)
  const pglite = await openPglite(draft)
  await pglite.close()
  await rename(draft, home).catch(async (error) => {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(home)) throw error
  })
  return home
}
