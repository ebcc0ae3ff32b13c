import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ConfigError } from '#config/environment.ts'

/** The database has e-mail addresses and hashes of passwords in it: other users of the system have no business there. */
const OWNER_ONLY = 0o700
const OTHERS = 0o077

/** Another process has the embedded database open. */
export class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError'

  constructor(dataDir: string) {
    super(
      `DATA_DIR=${JSON.stringify(dataDir)} is in use by another process: the embedded database is for one. ` +
        'Stop that process, choose another DATA_DIR, or set DATABASE_URL to run several.'
    )
  }
}

/**
 * Takes the folder for this process; the returned function gives it back. An exclusive SQLite transaction is a lock
 * of the operating system, which ends with the process, however it dies: a kill -9 leaves nothing to clean up.
 * Throws `DataDirInUseError` when somebody else has it.
 */
export function lockDataDir(dataDir: string): () => void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: OWNER_ONLY })
    // One that an earlier version has made, or somebody by hand.
    if ((statSync(dataDir).mode & OTHERS) !== 0) chmodSync(dataDir, OWNER_ONLY)
  } catch (error) {
    throw new ConfigError(
      'DATA_DIR',
      dataDir,
      `allowed is a folder that this process may write to (${error instanceof Error ? error.message : error})`
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
