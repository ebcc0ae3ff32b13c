import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { PrismaPGlite } from 'pglite-prisma-adapter'
import { runningScripts } from './scripts.ts'

/** Opens the embedded PostgreSQL in `dataDir`, or one in memory where that is null. */
export function openPglite(dataDir: string | null): Promise<PGlite> {
  return PGlite.create({ dataDir: dataDir === null ? 'memory://' : join(dataDir, 'postgres') })
}

/** The driver adapter that lets Prisma's client and its migration engine run on PGlite. */
export function pgliteAdapter(pglite: PGlite): SqlMigrationAwareDriverAdapterFactory {
  return runningScripts(new PrismaPGlite(pglite), (script) => pglite.exec(script))
}
