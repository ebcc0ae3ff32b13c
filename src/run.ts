import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { StoreMismatchError } from '#cache'
import { type Config, readConfig } from '#config/config.ts'
import { ConfigError } from '#config/environment.ts'
import { publicUrl } from '#config/public-config.ts'
import { version } from '#config/version.ts'
import { DataDirInUseError } from '#database/data-dir-lock.ts'
import { DatabaseUnusableError } from '#database/unusable.ts'
import { parseRedisUrl } from '#redis/address.ts'
import { UnreadableFileError } from '#redis/connect.ts'
import { startTracing } from '#tracing/tracing.ts'

/**
 * Connections that may wait to be accepted. Beyond Node's default of 511 the operating system drops them, and their
 * clients retry after one second, or three. One that src/http/connection-limits.ts refuses leaves the queue after less
 * than half a millisecond.
 */
const BACKLOG = 4096
const GRACE_MS = 10_000
/**
 * The compile cache is beside the code: whoever can write there could change the code as well. If the directory is not
 * writable, the start takes a little longer.
 */
const COMPILE_CACHE = fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url))

/**
 * Builds the service from the environment, adapted by `adapt`, and calls `start`. SIGTERM and SIGINT finish the
 * requests under way and close. Exits with 1 on failure, with a single line if the operator can fix the cause.
 */
export async function run(
  start: (app: FastifyInstance) => Promise<void>,
  adapt: (config: Config) => Config = (config) => config
): Promise<void> {
  enableCompileCache(COMPILE_CACHE)
  try {
    const config = adapt(readConfig(process.env))
    // Before `app.ts` is imported: libraries must be loaded after their instrumentation.
    const tracing = await startTracing(config)
    const { buildApp } = await import('./app.ts')
    const app = await buildApp(config, undefined, tracing)
    closeWithGrace({ delay: GRACE_MS }, async ({ err, signal }) => {
      if (err) app.log.error({ err }, 'closing after an uncaught error')
      else await app.drain()
      app.log.info({ signal }, 'closing')
      await app.close()
      await tracing?.close()
    })
    // A failed start releases its resources, so that other processes need not wait until its locks expire.
    await start(app).catch(async (error) => {
      await app.close()
      throw error
    })
    app.log.info(await describeStart(app), 'ready')
  } catch (error) {
    // One line if the operator can fix it; anything else is a bug, with its stack.
    console.error(isForOperator(error) ? error.message : error)
    process.exit(1)
  }
}

/** Listens; throws `ConfigError` if that fails. */
export async function listen(app: FastifyInstance, host: string, port: number, variable = 'PORT'): Promise<void> {
  await app.listen({ host, port, backlog: BACKLOG }).catch((error) => {
    throw new ConfigError(
      `HOST and ${variable}`,
      `${host}:${port}`,
      `the service cannot listen there (${error.message})`
    )
  })
}

/** The environment of the process, for one log line: what one needs first when something is wrong. */
async function describeStart({ config, database }: FastifyInstance): Promise<object> {
  const { role, databaseUrl, redis, tracing } = config
  const [server] = await database.client.$queryRaw<[{ version: string }]>`
    select current_setting('server_version') as version`
  return {
    version,
    node: process.version,
    role,
    database: `PostgreSQL ${server.version}${databaseUrl === null ? ', embedded' : ''}`,
    redis: redis.url === null ? 'none' : parseRedisUrl(redis.url)?.kind,
    ...(tracing !== null && { traces: publicUrl(tracing.endpoint) })
  }
}

function isForOperator(error: unknown): error is Error {
  const kinds = [ConfigError, DataDirInUseError, DatabaseUnusableError, StoreMismatchError, UnreadableFileError]
  return kinds.some((kind) => error instanceof kind)
}
