import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import { PrismaPGlite } from 'pglite-prisma-adapter'
import { runningScripts } from './scripts.ts'

/** Opens the embedded PostgreSQL in `dataDir`, or one in memory if that is null. */
export function openPglite(dataDir: string | null): Promise<PGlite> {
  return PGlite.create({ dataDir: dataDir === null ? 'memory://' : join(dataDir, 'postgres'), extensions: { pg_trgm } })
}

/** The driver adapter that lets Prisma's client and its migration engine run on PGlite. */
export function pgliteAdapter(pglite: PGlite): SqlMigrationAwareDriverAdapterFactory {
  const factory = runningScripts(new PrismaPGlite(pglite), (script) => pglite.exec(script))
  return {
    ...factory,
    connect: async () => checkingBeforeCommit(await factory.connect()),
    connectToShadowDb: async () => {
      const shadow = await openPglite(null)
      const connection = await pgliteAdapter(shadow).connect()
      connection.dispose = () => shadow.close()
      return connection
    }
  }
}

/** The library swallows errors of COMMIT, so deferred constraints are checked before it, where an error is reported. */
function checkingBeforeCommit(connection: SqlDriverAdapter): SqlDriverAdapter {
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
