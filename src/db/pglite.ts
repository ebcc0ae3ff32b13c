import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { PrismaPGlite } from 'pglite-prisma-adapter'

/** Opens the embedded PostgreSQL in `dataDir`, or one in memory where that is null. */
export function openPglite(dataDir: string | null): Promise<PGlite> {
  return PGlite.create({ dataDir: dataDir === null ? 'memory://' : join(dataDir, 'postgres') })
}

/** The driver adapter that lets Prisma's client and its migration engine run on PGlite. */
export function pgliteAdapter(pglite: PGlite): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPGlite(pglite)
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: async () => awaitScripts(await factory.connect(), pglite),
    connectToShadowDb: async () => {
      const shadow = await openPglite(null)
      return awaitScripts(await new PrismaPGlite(shadow).connect(), shadow)
    }
  }
}

/** The library's own `executeScript` does not wait for the script, and so loses the errors of a migration. */
function awaitScripts(adapter: SqlDriverAdapter, pglite: PGlite): SqlDriverAdapter {
  adapter.executeScript = async (script) => {
    await pglite.exec(script)
  }
  return adapter
}
