import { readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BackupError } from './backup-error.ts'
import { freeIn } from './database-state.ts'
import { manifestOf, sizeOf } from './manifest.ts'

/** The suffix of a backup that is not finished. */
export const UNFINISHED = '.unfinished'
const NAMED_BY_TIME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/
/** After this time, an unfinished backup must have been left by a process that died. */
const ABANDONED_MS = 24 * 3_600_000
/** How much larger than the previous backup a new one may be, as a factor. */
const GROWTH = 1.5

/** The folder name for a backup taken now. Names sort by time. */
export function timestampName(): string {
  return `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}Z`
}

/**
 * Removes all but the newest `keep` backups among those named by their time, and what dead processes have left behind;
 * resolves to the names removed.
 */
export async function removeOld(folder: string, keep: number): Promise<string[]> {
  const names = await timestampedBackups(folder)
  const old = names.slice(0, Math.max(0, names.length - keep))
  for (const name of await readdir(folder)) {
    const isUnfinished = name.endsWith(UNFINISHED) && NAMED_BY_TIME.test(name.slice(0, -UNFINISHED.length))
    if (isUnfinished && Date.now() - (await stat(join(folder, name))).mtimeMs > ABANDONED_MS) old.push(name)
  }
  for (const name of old) await rm(join(folder, name), { recursive: true })
  return old
}

/**
 * Throws `BackupError` if the disk has no room for a backup, estimated from the previous one next to it, or else from
 * the tables.
 */
export async function requireRoom(folder: string, tableBytes: number): Promise<void> {
  const parent = dirname(folder)
  const last = (await timestampedBackups(parent)).at(-1)
  // A dump is compressed, so it is hardly ever larger than the tables.
  const needed = last === undefined ? tableBytes : (await sizeOf(join(parent, last))) * GROWTH
  const free = await freeIn(parent)
  if (free >= needed) return
  const basis = last === undefined ? 'the size of the tables' : `${GROWTH} times the size of ${last}`
  throw new BackupError(
    `${parent} has ${formatBytes(free)} free, but a backup may take ${formatBytes(needed)} (${basis}): free some space, or use --force`
  )
}

/** Formats bytes for people, such as `1.5 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

/** The finished backups in a folder that are named by their time, oldest first. */
async function timestampedBackups(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => NAMED_BY_TIME.test(name)).sort()
  const manifests = await Promise.all(names.map((name) => manifestOf(join(folder, name))))
  return names.filter((_name, index) => manifests[index] !== null)
}
