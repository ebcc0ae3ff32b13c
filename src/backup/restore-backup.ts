import { join } from 'node:path'
import pg from 'pg'
import type { Config } from '#config/config.ts'
import { RedisReportStore } from '#observability/report-store.ts'
import { BackupError, messageOf } from './backup-error.ts'
import { type DatabaseState, stateOf } from './database-state.ts'
import { formatBytes } from './folders.ts'
import { checkSums, FILES, type Manifest, manifestOf } from './manifest.ts'
import { onRedis } from './on-redis.ts'
import { PostgresTools } from './postgres-tools.ts'
import { countSessions, SavedSessions } from './saved-sessions.ts'
import { databaseUrlOf } from './take-backup.ts'

/** How long the restore waits for sessions that still use the tables. */
const LOCK_TIMEOUT = '30s'

export interface RestoreOptions {
  /** Continues although the service is running, or the disk seems too full. */
  readonly force: boolean
  readonly say: (line: string) => void
  /** Clears the cache, which may be older or newer than the restored database. */
  readonly clearCache: () => Promise<void>
}

/**
 * Restores a backup of `takeBackup`, replacing all data. Everything that could stop it half-way is checked first, and
 * PostgreSQL is emptied and filled in one transaction: nothing is changed until its commit.
 */
export async function restoreBackup(config: Config, folder: string, options: RestoreOptions): Promise<void> {
  const { force, say, clearCache } = options
  const manifest = await manifestOf(folder)
  if (manifest === null) throw new BackupError(`${folder} is not a backup: it has no valid ${FILES.manifest}`)
  const databaseUrl = databaseUrlOf(config)
  const tools = new PostgresTools(databaseUrl)
  const [dump, sessions] = [join(folder, FILES.dump), join(folder, FILES.sessions)]

  say(`checking the backup of ${manifest.createdAt}, PostgreSQL ${manifest.postgres.version}`)
  const state = await unchanged(async () => {
    await checkSums(folder)
    if (manifest.sessions !== null) await countSessions(sessions)
    const state = await stateOf(databaseUrl)
    await requireReadable(tools, dump, state)
    if (!force) {
      await requireStopped(config, state)
      requireRoom(state, manifest)
    }
    await requireSessionStore(config)
    return state
  })

  say('PostgreSQL: replacing all data in one transaction')
  await unchanged(() => tools.restore(dump, emptied(state, manifest), marked(manifest)))
  try {
    await restoreSessions(config, manifest, sessions, say)
    if (config.redis.url !== null) await clearCache()
  } catch (error) {
    throw new BackupError(
      `PostgreSQL is restored, but Redis is not: ${messageOf(error)}. Do not start the service yet: run the restore again`
    )
  }
  say('restored: start the API and the workers')
}

async function unchanged<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    throw new BackupError(`${messageOf(error)}\nnothing was changed`)
  }
}

/** Throws unless the whole dump can be read, and the server is new enough for it. */
async function requireReadable(tools: PostgresTools, dump: string, { major }: DatabaseState): Promise<void> {
  const cannot = (error: unknown) => {
    const advice = /unsupported version/.test(messageOf(error))
      ? 'install the version of the PostgreSQL client that wrote it, or a newer one'
      : 'take another backup'
    throw new BackupError(`the dump cannot be read: ${messageOf(error)}; ${advice}`)
  }
  const contents = await tools.contents(dump).catch(cannot)
  const from = Number(/Dumped from database version: (\d+)/.exec(contents)?.[1] ?? 0)
  if (from > major) {
    throw new BackupError(
      `the dump is from PostgreSQL ${from}, but the server is the older ${major}: restore into ${from} or later`
    )
  }
  await tools.readWhole(dump).catch(cannot)
}

/** A running process would serve stale data from memory, and write to the tables that are being replaced. */
async function requireStopped({ redis: { url, keyPrefix } }: Config, { connections }: DatabaseState): Promise<void> {
  const processes =
    url === null ? [] : await onRedis(url, 'REDIS_URL', (redis) => new RedisReportStore(redis, keyPrefix).processes())
  const signs = [
    ...(connections === 0 ? [] : [`${connections} connections to the database`]),
    ...processes.map(({ role, host, pid }) => `${role} ${pid} on ${host} in Redis`)
  ]
  if (signs.length === 0) return
  throw new BackupError(
    `the service is running: ${signs.join(', ')}. Stop the API and the workers (wait 15 s if they were killed), or use --force and restart them afterwards`
  )
}

function requireRoom({ free }: DatabaseState, { postgres: { bytes } }: Manifest): void {
  if (free === null || free >= bytes) return
  throw new BackupError(
    `the disk of PostgreSQL has ${formatBytes(free)} free, but until the restore is done it needs ${formatBytes(bytes)} for a second copy of the database: free some space, or use --force`
  )
}

/** Checks that Redis accepts writes, before anything is changed. */
async function requireSessionStore({ redis: { sessionUrl, keyPrefix } }: Config): Promise<void> {
  if (sessionUrl === null) return
  await onRedis(sessionUrl, 'REDIS_SESSION_URL, or REDIS_URL', async (redis) => {
    await redis.set(`${keyPrefix}:session-probe`, '1', 'PX', 1000).catch((error) => {
      throw new BackupError(`Redis does not accept sessions: ${messageOf(error)}`)
    })
  })
}

/** Drops the schemas, because `pg_restore` cannot drop the partitioned tables of the queue. */
function emptied({ schema }: DatabaseState, { postgres }: Manifest): string {
  const schemas = [...new Set([schema ?? postgres.schema, postgres.schema, 'pgboss'])]
  return [
    `set client_min_messages = error; set lock_timeout = '${LOCK_TIMEOUT}';`,
    ...schemas.map((name) => `drop schema if exists ${pg.escapeIdentifier(name)} cascade;`),
    // A dump does not contain the schema `public`, unless its owner or privileges were changed.
    ...(schemas.includes('public') ? ['create schema public;'] : [])
  ].join('\n')
}

/**
 * Gives the database a new id. If this process dies before the cache is cleared, the service will find that Redis
 * caches another database, and refuse to start instead of serving that.
 */
function marked({ postgres: { schema } }: Manifest): string {
  const table = `${pg.escapeIdentifier(schema)}.cache_store`
  return `update ${table} set database_id = gen_random_uuid(), store_id = null, key_prefix = null, seen_at = 'epoch';`
}

async function restoreSessions(
  { redis: { sessionUrl, keyPrefix } }: Config,
  { sessions }: Manifest,
  file: string,
  say: (line: string) => void
): Promise<void> {
  if (sessionUrl === null || sessions === null) {
    say(sessionUrl === null ? 'Redis: none is configured, no sessions' : 'Redis: the backup has no sessions')
    return
  }
  const count = await onRedis(sessionUrl, 'REDIS_SESSION_URL, or REDIS_URL', (redis) =>
    new SavedSessions(redis, keyPrefix).restore(file)
  )
  say(`Redis: ${count} of ${sessions} sessions restored${count === sessions ? '' : ', the others have expired'}`)
}
