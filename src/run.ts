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

const GRACE_MS = 10_000
/** Beside the code, since whoever may write there may change the code as well; where nobody may, a start takes a little longer. */
const COMPILE_CACHE = fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url))

/**
 * Builds the service from the environment, after `adapt`, and `start`s it; SIGTERM and SIGINT finish what is under way and
 * close. Exits with 1, and one line for what the operator can mend.
 */
export async function run(
  start: (app: FastifyInstance) => Promise<void>,
  adapt: (config: Config) => Config = (config) => config
): Promise<void> {
  enableCompileCache(COMPILE_CACHE)
  try {
    const config = adapt(readConfig(process.env))
    // What is traced is loaded afterwards.
    const tracing = await startTracing(config)
    const { buildApp } = await import('./app.ts')
    const app = await buildApp(config, undefined, tracing)
    closeWithGrace({ delay: GRACE_MS }, async ({ err, signal }) => {
      if (err) app.log.error({ err }, 'closing after an error that nothing caught')
      else await app.drain()
      app.log.info({ signal }, 'closing')
      await app.close()
      await tracing?.close()
    })
    // A start that fails gives back what it has taken: others need not wait until it is held for gone.
    await start(app).catch(async (error) => {
      await app.close()
      throw error
    })
    app.log.info(await describeStart(app), 'ready')
  } catch (error) {
    // What the operator can mend is one line; anything else is a fault of ours, with its stack.
    console.error(isForOperator(error) ? error.message : error)
    process.exit(1)
  }
}

/** Listens; throws `ConfigError` where that cannot be. */
export async function listen(app: FastifyInstance, host: string, port: number, variable = 'PORT'): Promise<void> {
  await app.listen({ host, port }).catch((error) => {
    throw new ConfigError(
      `HOST and ${variable}`,
      `${host}:${port}`,
      `the service cannot listen there (${error.message})`
    )
  })
}

/** What of the world a process has found, in one line: what one asks first when something is wrong. */
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
