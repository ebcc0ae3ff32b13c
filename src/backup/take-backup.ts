import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Config } from '#config/config.ts'
import { version } from '#config/version.ts'
import { BackupError } from './backup-error.ts'
import { type DatabaseState, stateOf } from './database-state.ts'
import { formatBytes, requireRoom, UNFINISHED } from './folders.ts'
import { checkSums, FILES, seal, sizeOf } from './manifest.ts'
import { onRedis } from './on-redis.ts'
import { PostgresTools } from './postgres-tools.ts'
import { countSessions, SavedSessions } from './saved-sessions.ts'

export interface BackupOptions {
  /** Continues although the disk seems too full. */
  readonly force: boolean
  readonly say: (line: string) => void
}

/**
 * Saves PostgreSQL and the sessions of Redis in a new folder, while the service runs. It only exists once all of it was
 * verified.
 */
export async function takeBackup(config: Config, path: string, { force, say }: BackupOptions): Promise<void> {
  const folder = resolve(path)
  if (existsSync(folder)) throw new BackupError(`${folder} exists already`)
  const databaseUrl = databaseUrlOf(config)
  const tools = new PostgresTools(databaseUrl)
  const state = await stateOf(databaseUrl)
  const { schema } = state
  if (schema === null) throw new BackupError('the database has no tables of the service: check DATABASE_URL')
  await requireTool(tools, state)
  await mkdir(join(folder, '..'), { recursive: true, mode: 0o700 })
  if (!force) await requireRoom(folder, state.tableBytes)

  const draft = folder + UNFINISHED
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  try {
    // Sessions first: problems with them show at once, whereas a dump may take hours.
    const sessions = await saveSessions(config, join(draft, FILES.sessions))
    say(sessions === null ? 'Redis: none is configured' : `Redis: ${sessions} sessions saved`)
    say(`PostgreSQL ${state.version}: ${formatBytes(state.bytes)}`)
    const dump = join(draft, FILES.dump)
    await tools.dump(dump)
    await tools.readWhole(dump)
    const tables = (await tools.contents(dump)).match(/ TABLE DATA /g)?.length ?? 0
    say(`PostgreSQL: dumped and verified, ${tables} tables`)
    const postgres = { version: state.version, schema, bytes: state.bytes }
    await seal(draft, { format: 1, createdAt: new Date().toISOString(), service: version, postgres, sessions })
    await checkSums(draft)
    await rename(draft, folder)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
  say(`backup: ${folder}, ${formatBytes(await sizeOf(folder))}`)
}

/** The URL of PostgreSQL itself, past any pooler that the service uses. */
export function databaseUrlOf({ databaseUrl, directUrl, dataDir }: Config): string {
  const url = directUrl ?? databaseUrl
  if (url !== null) return url
  throw new BackupError(
    `DATABASE_URL is not set: to back up the embedded database, stop the service and copy the folder ${dataDir}`
  )
}

async function requireTool(tools: PostgresTools, { major }: DatabaseState): Promise<void> {
  const tool = await tools.dumpVersion()
  if (tool >= major) return
  throw new BackupError(
    `pg_dump is version ${tool}, which cannot dump PostgreSQL ${major}: install postgresql-client-${major}, and put it first in the PATH`
  )
}

async function saveSessions({ redis }: Config, file: string): Promise<number | null> {
  const url = redis.backupUrl
  if (url === null) return null
  const count = await onRedis(url, 'BACKUP_REDIS_URL, or REDIS_URL', (client) =>
    new SavedSessions(client, redis.keyPrefix).save(file)
  )
  if ((await countSessions(file)) === count) return count
  throw new BackupError(`${file} does not contain the ${count} sessions that were written to it`)
}
