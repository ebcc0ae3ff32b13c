import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'

/**
 * An adapter factory whose connections run a migration as one script, by `run`. The adapters' own ways lose it:
 * Prisma's for PostgreSQL cuts it at every semicolon, those inside a function too, and the one for PGlite does not
 * wait for it, nor hear of its errors.
 */
export function runningScripts(
  factory: SqlMigrationAwareDriverAdapterFactory,
  run: (script: string) => Promise<unknown>
): SqlMigrationAwareDriverAdapterFactory {
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: async () => {
      const connection = await factory.connect()
      connection.executeScript = async (script) => {
        await run(script)
      }
      return connection
    },
    connectToShadowDb: () => factory.connectToShadowDb()
  }
}
