import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Check } from 'typebox/schema'
import { BackupError } from './backup-error.ts'

/** The files of a backup. */
export const FILES = { dump: 'postgres.dump', sessions: 'sessions.jsonl', manifest: 'backup.json' } as const
const SUMS = 'SHA256SUMS'

/** The contents of `backup.json`. */
const Manifest = Type.Object({
  /** The format version of the files; a restore refuses an unknown one. */
  format: Type.Literal(1),
  createdAt: Type.String({ format: 'date-time' }),
  service: Type.String(),
  postgres: Type.Object({ version: Type.String(), schema: Type.String(), bytes: Type.Number() }),
  /** The number of sessions; null if there was no Redis. */
  sessions: Type.Union([Type.Integer(), Type.Null()])
})
export type Manifest = Static<typeof Manifest>

/**
 * Writes the manifest, and then the checksums of all files in the format of `sha256sum`. Syncs all of them to the disk.
 */
export async function seal(folder: string, manifest: Manifest): Promise<void> {
  await writeFile(join(folder, FILES.manifest), `${JSON.stringify(manifest, null, 2)}\n`)
  const names = (await readdir(folder)).sort()
  const lines = await Promise.all(names.map(async (name) => `${await sumOf(join(folder, name))}  ${name}\n`))
  await writeFile(join(folder, SUMS), lines.join(''))
  for (const name of [...names, SUMS, '.']) await sync(join(folder, name))
}

/** The manifest of a backup; null if the folder is not a backup. */
export async function manifestOf(folder: string): Promise<Manifest | null> {
  const text = await readFile(join(folder, FILES.manifest), 'utf8').catch(() => 'null')
  try {
    const manifest: unknown = JSON.parse(text)
    return Check(Manifest, manifest) ? manifest : null
  } catch {
    return null
  }
}

/** Throws `BackupError` if a file is missing, or has changed. */
export async function checkSums(folder: string): Promise<void> {
  const text = await readFile(join(folder, SUMS), 'utf8').catch(() => '')
  const sums = new Map([...text.matchAll(/^(\w{64}) {2}([\w.]+)$/gm)].map(([, sum = '', name = '']) => [name, sum]))
  for (const name of Object.values(FILES)) {
    if (!sums.has(name) && name !== FILES.sessions) throw new BackupError(`${SUMS} of ${folder} has no ${name}`)
  }
  for (const [name, sum] of sums) {
    const actual = await sumOf(join(folder, name)).catch(() => 'missing')
    if (actual !== sum) {
      const problem = actual === 'missing' ? 'is missing' : 'has changed since it was written: its checksum is wrong'
      throw new BackupError(`${name} of ${folder} ${problem}; take another backup`)
    }
  }
}

/** The total size of the files of a backup, in bytes. */
export async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function sumOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(file)) hash.update(bytes)
  return hash.digest('hex')
}

async function sync(path: string): Promise<void> {
  const handle = await open(path)
  await handle.sync().finally(() => handle.close())
}
