import { randomBytes } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const FILE = 'admin-link.secret'
const OWNER_ONLY = 0o600

/**
 * Creates a secret for admin links, and only for them, in the folder of the embedded database, which other users of the
 * system cannot read. Without `SESSION_SECRET` the session secret exists only in the process, and the command could not
 * sign a link.
 */
export async function makeOwnLinkSecret(dataDir: string): Promise<string> {
  const secret = randomBytes(32).toString('hex')
  await removeOwnLinkSecret(dataDir)
  await writeFile(join(dataDir, FILE), secret, { mode: OWNER_ONLY, flag: 'wx' })
  return secret
}

/** The secret of the process that uses the folder; null if there is none. */
export async function readOwnLinkSecret(dataDir: string): Promise<string | null> {
  return readFile(join(dataDir, FILE), 'utf8').catch(() => null)
}

/** Invalidates the links of a process when it stops. */
export async function removeOwnLinkSecret(dataDir: string): Promise<void> {
  await rm(join(dataDir, FILE), { force: true })
}
