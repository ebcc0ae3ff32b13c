import { join } from 'node:path'
import pg from 'pg'
import type { Config } from '#config/config.ts'
import { RedisBoard } from '#observability/board.ts'
import { BackupError, messageOf } from './backup-error.ts'
import { type DatabaseState, stateOf } from './database-state.ts'
import { inWords } from './folders.ts'
import { checkSums, FILES, type Manifest, manifestOf } from './manifest.ts'
import { onRedis } from './on-redis.ts'
import { PostgresTools } from './postgres-tools.ts'
import { countSessions, SavedSessions } from './saved-sessions.ts'
import { databaseUrlOf } from './take-backup.ts'

/** Who still works on the tables is not waited for without end. */
const LOCK_TIMEOUT = '30s'

export interface RestoreOptions {
  /** Goes on while the service runs, and where there seems to be too little room. */
  readonly force: boolean
  readonly say: (line: string) => void
  /** Removes what is cached: it may be older or newer than the database. */
  readonly clearCache: () => Promise<void>
}

/**
 * Puts a backup of `takeBackup` back; what is there is replaced. Everything that could stop it half-way is looked at first, and
 * PostgreSQL is emptied and filled in one transaction: until that is committed nothing is changed.
 */
export async function restoreBackup(config: Config, folder: string, options: RestoreOptions): Promise<void> {
  const { force, say, clearCache } = options
  const manifest = await manifestOf(folder)
  if (manifest === null) throw new BackupError(`${folder} is no backup: it has no ${FILES.manifest} of this version`)
  const databaseUrl = databaseUrlOf(config)
  const tools = new PostgresTools(databaseUrl)
  const [dump, sessions] = [join(folder, FILES.dump), join(folder, FILES.sessions)]

  say(`backup of ${manifest.createdAt}, PostgreSQL ${manifest.postgres.version}: looked at first`)
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

  say('PostgreSQL: emptied and filled in one transaction')
  await unchanged(() => tools.restore(dump, emptied(state, manifest), marked(manifest)))
  try {
    await restoreSessions(config, manifest, sessions, say)
    if (config.redis.url !== null) await clearCache()
  } catch (error) {
    throw new BackupError(
      `PostgreSQL is restored, and Redis is not: ${messageOf(error)}. Do not start the service yet: restore once more`
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

/** Reads it to its end, too: the contents stand at the beginning. */
async function requireReadable(tools: PostgresTools, dump: string, { major }: DatabaseState): Promise<void> {
  const cannot = (error: unknown) => {
    const advice = /unsupported version/.test(messageOf(error))
      ? 'install the client of PostgreSQL that wrote it, or a newer one'
      : 'take another backup'
    throw new BackupError(`the dump cannot be read: ${messageOf(error)}; ${advice}`)
  }
  const contents = await tools.contents(dump).catch(cannot)
  const from = Number(/Dumped from database version: (\d+)/.exec(contents)?.[1] ?? 0)
  if (from > major) {
    throw new BackupError(
      `the dump is of PostgreSQL ${from}, and the server is ${major}, which is older: restore into ${from} or later`
    )
  }
  await tools.readWhole(dump).catch(cannot)
}

/** A process that runs would answer from what it keeps in memory, and writes to what is replaced. */
async function requireStopped({ redis: { url, keyPrefix } }: Config, { connections }: DatabaseState): Promise<void> {
  const processes =
    url === null ? [] : await onRedis(url, 'REDIS_URL', (redis) => new RedisBoard(redis, keyPrefix).processes())
  const signs = [
    ...(connections === 0 ? [] : [`${connections} connections to the database`]),
    ...processes.map(({ role, host, pid }) => `${role} ${pid} on ${host} in Redis`)
  ]
  if (signs.length === 0) return
  throw new BackupError(
    `the service runs: ${signs.join(', ')}. Stop the API and the workers, wait 15 s where they were killed, or go on with --force and restart them afterwards`
  )
}

function requireRoom({ free }: DatabaseState, { postgres: { bytes } }: Manifest): void {
  if (free === null || free >= bytes) return
  throw new BackupError(
    `the disk of PostgreSQL has ${inWords(free)} free, and the database takes ${inWords(bytes)} beside what is there until it is done: make room, or go on with --force`
  )
}

/** Looks whether it takes a write, before anything is changed. */
async function requireSessionStore({ redis: { sessionUrl, keyPrefix } }: Config): Promise<void> {
  if (sessionUrl === null) return
  await onRedis(sessionUrl, 'REDIS_SESSION_URL, or REDIS_URL', async (redis) => {
    await redis.set(`${keyPrefix}:session-probe`, '1', 'PX', 1000).catch((error) => {
      throw new BackupError(`Redis takes no sessions: ${messageOf(error)}`)
    })
  })
}

/** What `pg_restore` cannot drop by itself: the tables of the queue are partitioned. */
function emptied({ schema }: DatabaseState, { postgres }: Manifest): string {
  const schemas = [...new Set([schema ?? postgres.schema, postgres.schema, 'pgboss'])]
  return [
    `set client_min_messages = error; set lock_timeout = '${LOCK_TIMEOUT}';`,
    ...schemas.map((name) => `drop schema if exists ${pg.escapeIdentifier(name)} cascade;`),
    // No dump has it, unless its owner or rights were changed.
    ...(schemas.includes('public') ? ['create schema public;'] : [])
  ].join('\n')
}

/**
 * A database that nobody takes for the one that was replaced: should this process die before the cache is cleared, the service finds that
 * Redis caches another one, and says so instead of serving it.
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
  say(`Redis: ${count} of ${sessions} sessions restored${count === sessions ? '' : ', the others were over'}`)
}
