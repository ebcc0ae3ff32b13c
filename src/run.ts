import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { StoreMismatchError } from '#cache'
import { type Config, readConfig } from '#config/config.ts'
import { ConfigError } from '#config/environment.ts'
import { DataDirInUseError } from '#database/data-dir-lock.ts'
import { DatabaseUnusableError } from '#database/unusable.ts'
import { UnreadableFileError } from '#redis/connect.ts'
import { buildApp } from './app.ts'

const GRACE_MS = 10_000

/**
 * Builds the service from the environment, after `adapt`, and `start`s it; SIGTERM and SIGINT finish what is under way and
 * close. Exits with 1, and one line for what the operator can mend.
 */
export async function run(
  start: (app: FastifyInstance) => Promise<void>,
  adapt: (config: Config) => Config = (config) => config
): Promise<void> {
  try {
    const app = await buildApp(adapt(readConfig(process.env)))
    closeWithGrace({ delay: GRACE_MS }, async ({ err, signal }) => {
      if (err) app.log.error({ err }, 'closing after an error that nothing caught')
      else await app.drain()
      app.log.info({ signal }, 'closing')
      await app.close()
    })
    // A start that fails gives back what it has taken: others need not wait until it is held for gone.
    await start(app).catch(async (error) => {
      await app.close()
      throw error
    })
  } catch (error) {
    // What the operator can mend is one line; anything else is a fault of ours, with its stack.
    console.error(isForOperator(error) ? error.message : error)
    process.exit(1)
  }
}

function isForOperator(error: unknown): error is Error {
  const kinds = [ConfigError, DataDirInUseError, DatabaseUnusableError, StoreMismatchError, UnreadableFileError]
  return kinds.some((kind) => error instanceof kind)
}
