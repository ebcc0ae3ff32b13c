import { type Config, readConfig } from '#config/config.ts'
import type { Database } from '#database/database.ts'
import { openDatabase } from '#database/open.ts'
import type { Log } from '#logging/log.ts'

/** Runs a command on the configured database. If it fails, prints one line and sets the exit code to 1. */
export async function onDatabase(
  command: (database: Database, log: Log, config: Config) => Promise<void>
): Promise<void> {
  const say = (_fields: object, message: string) => console.log(message)
  const log: Log = { debug: () => {}, info: say, warn: say, error: say }
  try {
    const config = readConfig(process.env)
    const database = await openDatabase(config, log)
    await command(database, log, config).finally(() => database.close())
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
