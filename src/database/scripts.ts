import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'

/**
 * An adapter factory whose connections run each migration as a single script, with `run`. The adapters cannot do this
 * themselves: Prisma's adapter for PostgreSQL splits the script at every semicolon, even inside a function, and the one
 * for PGlite neither waits for it nor reports its errors.
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
