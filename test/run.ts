/**
 * Runs the tests: `npm test`, or `npm test -- test/cache/*.test.ts --jobs=1` for some. What they write goes to memory where there is
 * room, since much of their time is the copying of databases, and is removed with the end of the run.
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
/** The configuration that tap was built with. */
const BUILT = join(CACHE, 'taprc')

const folder = mkdtempSync(join(hasRoom(MEMORY) ? MEMORY : tmpdir(), 'aikademiya-tests-'))
// PostgreSQL runs as another user where the tests run as root.
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

/** Runs it in a process group of its own, which ends with it: what it has started may not outlive it, whatever it died of. */
async function run(command: string, ...args: string[]): Promise<number> {
  const options: SpawnOptions = { stdio: 'inherit', env, detached: true }
  const child = spawn(command, args, options)
  const end = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // Nobody is left.
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  const [code]: (number | null)[] = await once(child, 'exit')
  end('SIGKILL')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end)
  return code ?? 1
}

/** Tests also run files that they have written there. */
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
