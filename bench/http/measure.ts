import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'

/** The server has one core, the load another: what they take from each other would be measured, too. */
const SERVER_CORE = '0'
const LOAD_CORE = '1'
const LISTENING = /Server listening at (http:\/\/[^"\s]+)/
const START_MS = 30_000

export interface Target {
  readonly url: string
  stop(): Promise<void>
}

/** A process of its own on the server's core; what it logs goes to a file, and takes nothing from the load. */
export async function serve(script: string, args: readonly string[], env: Record<string, string>): Promise<Target> {
  const file = join(await mkdtemp(join(tmpdir(), 'aikademiya-bench-')), 'log')
  const log = await open(file, 'w')
  const command = ['-c', SERVER_CORE, process.execPath, script, ...args]
  const child = spawn('taskset', command, {
    env: { PATH: process.env.PATH, PORT: '0', ...env },
    stdio: ['ignore', log.fd, log.fd]
  })
  await log.close()
  return { url: await urlIn(file, child), stop: () => end(child) }
}

async function urlIn(file: string, child: ChildProcess): Promise<string> {
  for (const end = performance.now() + START_MS; performance.now() < end; await sleep(50)) {
    const log = await readFile(file, 'utf8')
    const url = LISTENING.exec(log)?.[1]
    if (url !== undefined) return url
    if (child.exitCode !== null) throw new Error(log)
  }
  throw new Error('it does not listen')
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** Moves this process, and so the load, to the other core. */
export async function leaveServerCore(): Promise<void> {
  const moved = spawn('taskset', ['-a', '-cp', LOAD_CORE, String(process.pid)], { stdio: 'ignore' })
  await new Promise((resolve) => moved.once('exit', resolve))
}

export interface Shot {
  readonly perSecond: number
  readonly p99Ms: number
  readonly errors: number
}

export interface Load {
  readonly url: string
  readonly seconds: number
  readonly headers?: Record<string, string>
  /** Paths that are asked for in turn; else the one of `url`. */
  readonly paths?: readonly string[]
}

const CONNECTIONS = 32

export async function shoot({ url, seconds, headers = {}, paths }: Load): Promise<Shot> {
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    headers,
    ...(paths && { requests: paths.map((path) => ({ path })) })
  })
  return {
    perSecond: result.requests.average,
    p99Ms: result.latency.p99,
    errors: result.errors + result.timeouts + result['4xx'] + result['5xx']
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
