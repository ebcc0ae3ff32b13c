import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { run } from './server-process.ts'
import { temporaryFolder } from './service.ts'

/** Writes the checksums of a backup anew: what is wrong in it was wrong from the beginning. */
export async function resealed(backup: string): Promise<void> {
  const { stdout } = await run('sha256sum', ['backup.json', 'postgres.dump', 'sessions.jsonl'], { cwd: backup })
  await writeFile(join(backup, 'SHA256SUMS'), stdout)
}

/** A PATH on which a tool is another one, a line of shell. */
export async function withTool(t: Test, name: string, line: string, path: string): Promise<string> {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, name), `#!/bin/sh\n${line}\n`)
  await chmod(join(folder, name), 0o755)
  return `${folder}:${path}`
}

/** A dump of the database `test_1`, of somebody else. */
export async function dumpWith(tools: string, port: number, password: string, folder: string): Promise<Buffer> {
  const file = join(folder, 'strangers.dump')
  const url = `postgresql://postgres@127.0.0.1:${port}/test_1`
  const dumped = await run(join(tools, 'pg_dump'), ['-Fc', '-f', file, url], { env: { PGPASSWORD: password } })
  if (dumped.code !== 0) throw new Error(dumped.stderr)
  return readFile(file)
}
