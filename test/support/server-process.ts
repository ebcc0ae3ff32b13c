import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

/** With `FRONT_DOOR=off` in the environment, a check or the whole suite runs without the front door. */
export const frontDoor = { FRONT_DOOR: process.env.FRONT_DOOR }

/** The part of our environment that processes of the service inherit. */
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

/** A server in a separate process. */
export interface ServerProcess {
  readonly pid: number
  /** Everything that it has written so far to standard output and standard error. */
  output(): string
  signal(signal: NodeJS.Signals): void
  /** Sends a signal and waits for the end; resolves to the exit code, or null if the signal ended the process. */
  kill(signal: NodeJS.Signals): Promise<number | null>
}

/** Starts a command; resolves when its output matches `ready`, and rejects with its output if it ends before that. */
export async function startServer(
  command: string,
  args: readonly string[],
  ready: RegExp,
  options: SpawnOptions = {}
): Promise<ServerProcess> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  // Not at `exit`, because the last output may not have been read then.
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  ended.then(() => running.delete(child))

  let output = ''
  let isReady = false
  await new Promise<void>((resolve, reject) => {
    const collect = (chunk: Buffer) => {
      output += chunk
      // Once it is ready, a long output is not searched again.
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
