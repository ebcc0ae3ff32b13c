import { readdir, readFile } from 'node:fs/promises'

const MIGRATIONS = new URL('../../prisma/migrations/', import.meta.url)

export interface Migration {
  readonly name: string
  readonly sql: string
}

/** The migrations of `prisma/migrations`, oldest first. */
export async function readMigrations(): Promise<Migration[]> {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names
      .sort()
      .map(async (name) => ({ name, sql: await readFile(new URL(`${name}/migration.sql`, MIGRATIONS), 'utf8') }))
  )
}
