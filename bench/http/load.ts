import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import autocannon from 'autocannon'

const run = promisify(execFile)

export interface Load {
  readonly url: string
  readonly seconds: number
  readonly headers?: Record<string, string>
  /** The paths that one connection asks for in turns; else that of `url`. */
  readonly paths?: () => readonly string[]
  /** 32 unless given. */
  readonly connections?: number
  /** Called at every answer. */
  readonly answered?: () => void
}

export interface Shot {
  readonly perSecond: number
  readonly errors: number
  /** How long answers took, in ms: the median, and what 99 and 99.9 of 100 took at most. */
  readonly latency: Percentiles
}

export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

const CONNECTIONS = 32
/** One client may have so many lists and searches under way (src/database/shares.ts), and 32 are refused. */
export const LISTS_AT_ONCE = 16
const PERCENTILES = fileURLToPath(new URL('percentiles.lua', import.meta.url))

/** Where wrk is installed it makes the load of a single URL: it takes a fraction of what the server does for an answer, autocannon as much. */
const hasWrk = await run('wrk', ['--version']).then(
  () => true,
  // It tells its version, and then fails.
  ({ code }) => code !== 'ENOENT'
)

/** As many answers as there can be on 32 connections. */
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
    throw new Error(`wrk says no rate or percentiles:\n${stdout}`)
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
