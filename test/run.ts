/**
 * Runs the tests: all with `npm test`, some with `npm test -- test/cache/*.test.ts --jobs=1`. Their files are written
 * to memory if there is room, because copying databases takes much of their time, and are removed at the end of the
 * run.
 */
import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
const ROOM_BYTES = 4 * 2 ** 30
const CACHE = join(process.cwd(), 'node_modules', '.cache')
/** The configuration that tap was last built with. */
const BUILT = join(CACHE, 'taprc')

const folder = mkdtempSync(join(hasRoom(MEMORY) ? MEMORY : tmpdir(), 'aikademiya-tests-'))
// If the tests run as root, PostgreSQL runs as another user, which must be able to read the folder.
chmodSync(folder, 0o755)
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const env = {
  ...process.env,
  NODE_COMPILE_CACHE: join(CACHE, 'node'),
  MADE_ONCE_FOLDER: tmpdir(),
  TMPDIR: folder
}
process.exitCode = (await build()) || (await run(process.execPath, 'test/files.ts', ...process.argv.slice(2)))

async function build(): Promise<number> {
  const configuration = readFileSync('.taprc', 'utf8')
  if (existsSync(BUILT) && readFileSync(BUILT, 'utf8') === configuration) return 0
  const code = await run('tap', 'build')
  if (code === 0) writeFileSync(BUILT, configuration)
  return code
}

/**
 * Runs a command in a separate process group, and kills the group after it, so that no child outlives it, however it
 * ended.
 */
async function run(command: string, ...args: string[]): Promise<number> {
  const options: SpawnOptions = { stdio: 'inherit', env, detached: true }
  const child = spawn(command, args, options)
  const end = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // The group is empty.
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  const [code]: (number | null)[] = await once(child, 'exit')
  end('SIGKILL')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end)
  return code ?? 1
}

/** Whether there is enough memory; files there must be executable, because tests run files that they have written. */
function hasRoom(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(path)
    if (bavail * bsize < ROOM_BYTES || process.availableMemory() < 2 * ROOM_BYTES) return false
    return mayExecute(path)
  } catch {
    return false
  }
}

function mayExecute(path: string): boolean {
  const probe = mkdtempSync(join(path, 'aikademiya-probe-'))
  try {
    writeFileSync(join(probe, 'file'), '', { mode: 0o700 })
    accessSync(join(probe, 'file'), constants.X_OK)
    return true
  } finally {
    rmSync(probe, { recursive: true })
  }
}
