import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ConfigError } from '#config/environment.ts'

/** The database contains e-mail addresses and password hashes, so other users of the system must not read it. */
const OWNER_ONLY = 0o700
const OTHERS = 0o077

/** Another process has the embedded database open. */
export class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError'

  constructor(dataDir: string) {
    super(
      `DATA_DIR=${JSON.stringify(dataDir)} is in use by another process: only one can use the embedded database. ` +
        'Stop that process, choose another DATA_DIR, or set DATABASE_URL to run several.'
    )
  }
}

/**
 * Locks the folder for this process; the returned function unlocks it. An exclusive SQLite transaction holds a lock of
 * the operating system, which ends with the process: even a kill -9 leaves nothing to clean up. Throws
 * `DataDirInUseError` if another process holds the lock.
 */
export function lockDataDir(dataDir: string): () => void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: OWNER_ONLY })
    // An earlier version, or a person, may have created the folder with other permissions.
    if ((statSync(dataDir).mode & OTHERS) !== 0) chmodSync(dataDir, OWNER_ONLY)
  } catch (error) {
    throw new ConfigError(
      'DATA_DIR',
      dataDir,
      `must be a folder that this process can write to (${error instanceof Error ? error.message : error})`
    )
  }
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(join(resolve(dataDir), 'lock.sqlite'))
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock?.close()
    const message = error instanceof Error ? error.message : String(error)
    if (/locked|busy/i.test(message)) throw new DataDirInUseError(dataDir)
    throw new ConfigError('DATA_DIR', dataDir, `its lock file cannot be used (${message})`)
  }
  const held = lock
  return () => held.close()
}
