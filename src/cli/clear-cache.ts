/**
 * `npm run clear-cache -- --stats [--json] | --all | --pattern "course:*"`: shows statistics of the cache in
 * `REDIS_URL`, or clears it.
 */
import { hostname, userInfo } from 'node:os'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { Presets, SingleBar } from 'cli-progress'
import type { Cache, Progress } from '#cache'
import { MAX_PATTERN_LENGTH, RedisStore } from '#cache'
import { readConfig } from '#config/config.ts'
import { reportOf } from '#observability/report.ts'
import type { CacheReport } from '#observability/report-shapes.ts'
import { RedisReportStore } from '#observability/report-store.ts'
import type { RedisClient } from '#redis/connect.ts'
import { openCache } from './open-cache.ts'
import { endWithUsage } from './usage.ts'

const USAGE = `usage: npm run clear-cache -- --stats [--json]
       npm run clear-cache -- --all | --pattern "course:*" [--dry-run] [--yes]
Works on REDIS_URL. --pattern is a Redis glob for keys of cached data; --all clears all of them. Sessions, limits and jobs are kept.
--dry-run prints how many keys match. --yes does not ask for confirmation. Exit code: 0 on success, 1 on failure, 2 for wrong usage.`

const WAIT_MS = 3000

const options = readArguments()
try {
  const config = readConfig(process.env)
  const { url, keyPrefix } = config.redis
  if (url === null) throw new Error('REDIS_URL is not set: the cache is in the memory of the service')
  const { redis, cache } = await openCache(url, config, WAIT_MS)
  if (!cache.trusted) throw new Error('Redis does not answer: check REDIS_URL and the server')
  if (options.stats) await showStats(redis, keyPrefix)
  else process.exitCode = await clear(cache, new RedisStore(redis, keyPrefix), new RedisReportStore(redis, keyPrefix))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
// Exit explicitly: the cache still has timers and connections. All output has been written by now.
process.stdout.write('', () => process.exit())

function readArguments() {
  const flag = { type: 'boolean', default: false } as const
  const options = {
    stats: flag,
    json: flag,
    all: flag,
    pattern: { type: 'string' },
    'dry-run': flag,
    yes: { ...flag, short: 'y' },
    help: { ...flag, short: 'h' }
  } as const
  try {
    const { values } = parseArgs({ options })
    if (values.help) usage(null)
    const { stats, json, all, pattern, yes, 'dry-run': dryRun } = values
    if (Number(stats) + Number(all) + Number(pattern !== undefined) !== 1)
      usage('give one of --stats, --all, --pattern')
    if (pattern === '') usage('--pattern must not be empty')
    if (pattern !== undefined && pattern.length > MAX_PATTERN_LENGTH)
      usage(`--pattern must not be longer than ${MAX_PATTERN_LENGTH} characters`)
    if (stats && (dryRun || yes)) usage('--dry-run and --yes require --all or --pattern')
    if (json && !stats) usage('--json requires --stats')
    return { stats, json, all, pattern: pattern ?? '*', dryRun, yes }
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
}

function usage(problem: string | null): never {
  endWithUsage(USAGE, problem)
}

/** Returns the exit code: 0 even if nothing matches, 1 if the user does not confirm. */
async function clear(cache: Cache, store: RedisStore, reportStore: RedisReportStore): Promise<number> {
  const { pattern, all, dryRun, yes } = options
  if (dryRun || !yes) {
    const matching = await withProgressBar((progress) => cache.countPattern(pattern, progress))
    console.log(`${matching} keys match ${pattern}`)
    if (dryRun || matching === 0) return 0
    if (!(await confirmed())) {
      console.error('nothing cleared')
      return 1
    }
  }
  const deleted = await withProgressBar((progress) =>
    cache.clearPattern(pattern, progress, `npm run clear-cache, ${operator()}`)
  )
  const clearing = { at: new Date().toISOString(), by: operator(), pattern: all ? 'all' : pattern, deleted }
  await reportStore.putClearing(clearing).catch(() => {})
  // Nothing is cached any more, so this Redis may be used with another database.
  if (all) await store.removeLabel()
  console.log(`${deleted} keys cleared`)
  return 0
}

/** Who clears the cache, for the log of the service. In a container, the user may have no name. */
function operator(): string {
  const name = () => {
    try {
      return userInfo().username
    } catch {
      return 'somebody'
    }
  }
  return `${name()}@${hostname()}`.slice(0, 150)
}

async function confirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error('--yes is needed without a terminal to ask for confirmation')
    return false
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question('clear them? [y/N] ')
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}

/** Shows a progress bar on a terminal, if the task takes more than one step. */
async function withProgressBar(task: (progress: Progress) => Promise<number>): Promise<number> {
  if (!process.stderr.isTTY) return task(() => {})
  const bar = new SingleBar({ format: '{bar} {percentage} %, {found} keys' }, Presets.shades_classic)
  const show = (found: number, fraction: number) => {
    if (!bar.isActive && fraction < 1) bar.start(100, 0, { found: 0 })
    if (bar.isActive) bar.update(Math.round(100 * fraction), { found })
  }
  try {
    return await task(show)
  } finally {
    bar.stop()
  }
}

async function showStats(redis: RedisClient, keyPrefix: string): Promise<void> {
  const store = { state: 'trusted', since: new Date().toISOString(), reason: null } as const
  const own = { store, process: null, counted: null, invalidations: [] }
  const report = await reportOf({ reportStore: new RedisReportStore(redis, keyPrefix), redis, own, database: null })
  if (options.json) console.log(JSON.stringify(report))
  else for (const line of describe(report)) console.log(line)
}

function describe({ hitRatio, prefixes, nodes, processes, keysCountedAt }: CacheReport): string[] {
  const percent = (ratio: number | null) => (ratio === null ? '-' : `${(100 * ratio).toFixed(1)}%`)
  const columns = ['prefix', 'hits', 'misses', 'stale', 'bypassed', 'ratio', 'keys']
  const rows = prefixes.map(({ prefix, hits, misses, stale, bypassed, hitRatio, keys }) =>
    [prefix, hits, misses, stale, bypassed, percent(hitRatio), keys ?? '-'].map(String)
  )
  const line = ([name = '', ...numbers]: string[]) => [name.padEnd(12), ...numbers.map((n) => n.padStart(10))].join('')
  return [
    ...nodes.map(
      ({ address, version, role, usedBytes, maxBytes, evictionPolicy, evictedKeys, opsPerSecond, keys }) =>
        `redis ${version} ${role} at ${address}: ${keys} keys, ${mebibytes(usedBytes)} of ${maxBytes === 0 ? 'no limit' : mebibytes(maxBytes)} (${evictionPolicy}), ${evictedKeys} evicted, ${opsPerSecond} operations/s`
    ),
    `hit ratio: ${percent(hitRatio.now)} now, ${percent(hitRatio.hour)} in the last hour`,
    `processes alive: ${processes.length}`,
    '',
    line(columns),
    ...rows.map(line),
    ...(keysCountedAt === null ? [] : ['', `keys counted at ${keysCountedAt}`])
  ]
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
