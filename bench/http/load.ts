import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import autocannon from 'autocannon'

const run = promisify(execFile)

export interface Load {
  readonly url: string
  readonly seconds: number
  readonly headers?: Record<string, string>
  /** The paths that each connection requests in turn; otherwise that of `url`. */
  readonly paths?: () => readonly string[]
  /** Default: 32. */
  readonly connections?: number
  /** Called for every response. */
  readonly answered?: () => void
}

export interface Shot {
  readonly perSecond: number
  readonly errors: number
  /** Percentiles of the response time, in ms. */
  readonly latency: Percentiles
}

export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

const CONNECTIONS = 32
/** The lists and searches that one client may run at once (src/database/shares.ts); of 32, some would be refused. */
export const LISTS_AT_ONCE = 16
const PERCENTILES = fileURLToPath(new URL('percentiles.lua', import.meta.url))

/** wrk, if installed, loads a single URL: it needs a fraction of the CPU time of the server; autocannon needs as much as the server. */
const hasWrk = await run('wrk', ['--version']).then(
  () => true,
  // It prints its version and exits with an error.
  ({ code }) => code !== 'ENOENT'
)

/** Sends requests as fast as 32 connections can. */
export function shoot(load: Load): Promise<Shot> {
  return hasWrk && load.paths === undefined ? shootWithWrk(load) : shootWithAutocannon(load)
}

async function shootWithWrk({ url, seconds, headers = {} }: Load): Promise<Shot> {
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const { stdout } = await run('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', PERCENTILES, ...lines, url])
  const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(stdout)
  const micros = /^percentiles: (\d+) (\d+) (\d+)$/m.exec(stdout) ?? []
  const [p50, p99, p999] = micros.slice(1).map((value) => Number(value) / 1000)
  if (rate === null || p50 === undefined || p99 === undefined || p999 === undefined)
    throw new Error(`wrk printed no rate or percentiles:\n${stdout}`)
  const failed = stdout.match(/(?<=Non-2xx or 3xx responses: |(?:connect|read|write|timeout) )\d+/g) ?? []
  return {
    perSecond: Number(rate[1]),
    errors: failed.reduce((sum, count) => sum + Number(count), 0),
    latency: { p50, p99, p999 }
  }
}

async function shootWithAutocannon({
  url,
  seconds,
  headers = {},
  paths,
  connections = CONNECTIONS,
  answered
}: Load): Promise<Shot> {
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    headers,
    setupClient: (client) => {
      if (paths) client.setRequests(paths().map((path) => ({ path })))
      if (answered) client.on('response', answered)
    }
  })
  return {
    perSecond: result.requests.average,
    errors: result.errors + result.timeouts + result['4xx'] + result['5xx'],
    latency: { p50: result.latency.p50, p99: result.latency.p99, p999: result.latency.p99_9 }
  }
}
