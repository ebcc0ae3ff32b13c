import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { run } from '../../support/server-process.ts'
import type { Owner } from '../../support/topologies.ts'

const SIZE = '24m'

/**
 * Runs `start` with its temporary files on a file system of 24 MB, which can be filled. Throws unless run as root,
 * which mounting requires.
 */
export async function onSmallDisk<T>(owner: Owner, start: () => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'aikademiya-disk-'))
  const { code, stderr } = await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=1777`, 'tmpfs', folder])
  if (code !== 0) throw new Error(`the check of a full disk mounts a small file system, which requires root: ${stderr}`)
  owner.teardown(async () => {
    await run('umount', ['-l', folder])
    await rm(folder, { recursive: true, force: true })
  })
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  try {
    return await start()
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
}

/** Fills the disk of a Redis for the given time. */
export async function fillDisk(redis: Redis, forMs: number): Promise<void> {
  const [, folder = ''] = await redis.config('GET', 'dir').then((answer) => [answer].flat().map(String))
  const file = join(folder, 'filler')
  await writeFile(file, Buffer.alloc(64 * 1024 * 1024)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOSPC') throw error
  })
  await sleep(forMs)
  await rm(file, { force: true })
}
