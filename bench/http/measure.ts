import { spawn } from 'node:child_process'
import autocannon from 'autocannon'
import type { ServerProcess } from '../../test/support/server-process.ts'
import { startServer } from '../../test/support/server-process.ts'

/** The server has one core, the load another: what they take from each other would be measured, too. */
const SERVER_CORE = '0'
const LOAD_CORE = '1'
const LISTENING = /Server listening at (http:\/\/[^"\s]+)/

export interface Target {
  readonly url: string
  readonly process: ServerProcess
}

/** A process of its own on the server's core. */
export async function serve(script: string, args: readonly string[], env: Record<string, string>): Promise<Target> {
  const command = ['-c', SERVER_CORE, process.execPath, script, ...args]
  const options = { env: { PATH: process.env.PATH, PORT: '0', ...env } }
  const server = await startServer('taskset', command, LISTENING, options)
  const url = LISTENING.exec(server.output())?.[1]
  if (url === undefined) throw new Error('it says no URL')
  return { url, process: server }
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
