import { randomBytes } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const FILE = 'admin-link.secret'
const OWNER_ONLY = 0o600

/**
 * Makes a secret for admin links and keeps it in the folder of the embedded database, which other users of the system cannot read: without
 * `SESSION_SECRET` that of sessions is in the process only, and a command could sign nothing. It signs nothing else.
 */
export async function makeOwnLinkSecret(dataDir: string): Promise<string> {
  const secret = randomBytes(32).toString('hex')
  await removeOwnLinkSecret(dataDir)
  await writeFile(join(dataDir, FILE), secret, { mode: OWNER_ONLY, flag: 'wx' })
  return secret
}

/** That of the process which has the folder; null where none has made one. */
export async function readOwnLinkSecret(dataDir: string): Promise<string | null> {
  return readFile(join(dataDir, FILE), 'utf8').catch(() => null)
}

/** With the process that has made it its links end. */
export async function removeOwnLinkSecret(dataDir: string): Promise<void> {
  await rm(join(dataDir, FILE), { force: true })
}
