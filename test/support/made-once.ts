import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { ROOT } from './script.ts'

/** The files that determine what a first start creates. */
const SOURCES = [
  'package-lock.json',
  'prisma/migrations',
  'src/courses',
  'src/database',
  'src/generation/queue.ts',
  'src/seed',
  'src/users',
  'test/support/postgres-templates.ts',
  'test/support/seeded-data-dir.ts',
  'test/support/small-database.ts'
]

/**
 * A folder of this name in the folder for temporary files. If it does not exist yet on this machine, `make` fills it;
 * concurrent tests race for the name, and any of them may win.
 */
export async function madeOnce(name: string, make: (draft: string) => Promise<void>): Promise<string> {
  const home = join(process.env.MADE_ONCE_FOLDER ?? tmpdir(), `aikademiya-${process.getuid?.() ?? 0}-${name}`)
  if (existsSync(home)) return home
  const draft = await mkdtemp(`${home}-`)
  try {
    await make(draft)
    await rename(draft, home)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(home)) throw error
  }
  return home
}

let version: Promise<string> | undefined

/** Changes whenever a first start may leave a different database. */
export function contentVersion(): Promise<string> {
  version ??= (async () => {
    const hash = createHash('sha256')
    // With their names, by which a database identifies its migrations.
    for (const source of SOURCES) {
      for (const file of await filesOf(source)) hash.update(relative(ROOT, file)).update(await readFile(file))
    }
    return hash.digest('hex').slice(0, 16)
  })()
  return version
}

/** The files below a path of the repository, without generated ones. */
async function filesOf(source: string): Promise<string[]> {
  const path = join(ROOT, source)
  if (source.includes('.')) return [path]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return files.filter((file) => !file.includes('/generated/')).sort()
}
