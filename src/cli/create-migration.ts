/** `npm run migration:create -- name`: writes the next migration, the difference between the migrations and `prisma/schema.prisma`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openPglite, pgliteAdapter } from '#database/pglite.ts'
import { diffMigrations } from '#database/schema-engine.ts'
import { MigrationFailedError } from '#database/unusable.ts'

const name = process.argv[2]
if (name === undefined || !/^[a-z0-9_]{1,60}$/.test(name) || process.argv.length > 3) {
  console.error('usage: npm run migration:create -- name     (lower-case letters, digits, "_")')
  process.exit(2)
}

try {
  await create(name)
} catch (error) {
  if (!(error instanceof MigrationFailedError || isSchemaMistake(error))) throw error
  console.error(error.message)
  process.exitCode = 1
}

/** Prisma's error for a schema that is not valid; its message names the line. */
function isSchemaMistake(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'P1012'
}

async function create(name: string): Promise<void> {
  const pglite = await openPglite(null)
  const sql = await diffMigrations(pgliteAdapter(pglite)).finally(() => pglite.close())
  if (sql === '') {
    console.log('prisma/migrations is up to date with prisma/schema.prisma: nothing to write')
    return
  }
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
  const folder = join('prisma', 'migrations', `${stamp}_${name}`)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'migration.sql'), sql)
  console.log(`written: ${join(folder, 'migration.sql')}. Read it, add what Prisma cannot express, and commit it.`)
}
