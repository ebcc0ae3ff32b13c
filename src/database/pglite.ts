import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { PrismaPGlite } from 'pglite-prisma-adapter'
import { runningScripts } from './scripts.ts'

/** Opens the embedded PostgreSQL in `dataDir`, or one in memory where that is null. */
export function openPglite(dataDir: string | null): Promise<PGlite> {
  return PGlite.create({ dataDir: dataDir === null ? 'memory://' : join(dataDir, 'postgres'), extensions: { pg_trgm } })
}

/** The driver adapter that lets Prisma's client and its migration engine run on PGlite. */
export function pgliteAdapter(pglite: PGlite): SqlMigrationAwareDriverAdapterFactory {
  const factory = runningScripts(new PrismaPGlite(pglite), (script) => pglite.exec(script))
  return {
    ...factory,
    connect: async () => tellingCommits(await factory.connect()),
    connectToShadowDb: async () => {
      const shadow = await openPglite(null)
      const connection = await pgliteAdapter(shadow).connect()
      connection.dispose = () => shadow.close()
      return connection
    }
  }
}

/** The library loses the error of a COMMIT: what is deferred to it is checked before, where an error is told. */
function tellingCommits(connection: SqlDriverAdapter): SqlDriverAdapter {
  const start = connection.startTransaction.bind(connection)
  connection.startTransaction = async (isolationLevel) => {
    const transaction = await start(isolationLevel)
    const commit = transaction.commit.bind(transaction)
    transaction.commit = async () => {
      try {
        await transaction.executeRaw({ sql: 'set constraints all immediate', args: [], argTypes: [] })
      } catch (error) {
        await transaction.rollback()
        throw error
      }
      await commit()
    }
    return transaction
  }
  return connection
}
