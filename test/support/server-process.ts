import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

/** With `FRONT_DOOR=off` in the environment, a check or the whole suite runs without the front door. */
export const frontDoor = { FRONT_DOOR: process.env.FRONT_DOOR }

/** What a process of the service gets of our environment. */
export const inherited = {
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
  ...frontDoor
}

/** Node with the options that this process was started with. */
export const ownNode = [process.execPath, ...process.execArgv] as const

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A server that runs as a process of its own. */
export interface ServerProcess {
  readonly pid: number
  /** Everything it has written so far, standard output and error together. */
  output(): string
  signal(signal: NodeJS.Signals): void
  /** Signals it and waits for its end; resolves to its exit code, null when the signal ended it. */
  kill(signal: NodeJS.Signals): Promise<number | null>
}

/** Starts a command; resolves when it has written `ready`, rejects with its output when it ends before. */
export async function startServer(
  command: string,
  args: readonly string[],
  ready: RegExp,
  options: SpawnOptions = {}
): Promise<ServerProcess> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  // Not the exit: what it wrote last is read only then.
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  ended.then(() => running.delete(child))

  let output = ''
  let isReady = false
  await new Promise<void>((resolve, reject) => {
    const collect = (chunk: Buffer) => {
      output += chunk
      // Not again with each line of a long log.
      if (isReady || !ready.test(output)) return
      isReady = true
      resolve()
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${command} ended with ${code} before it was ready:\n${output}`)))
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`${command} has no pid`)

  return {
    pid,
    output: () => output,
    signal: (signal) => void child.kill(signal),
    kill: (signal) => {
      child.kill(signal)
      return ended
    }
  }
}

/** Runs a command to its end. */
export async function run(command: string, args: readonly string[], options: SpawnOptions = {}) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  const [code]: (number | null)[] = await once(child, 'close')
  return { code: code ?? null, stdout, stderr }
}
