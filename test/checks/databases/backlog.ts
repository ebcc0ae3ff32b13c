import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from '#config/environment.ts'
import { query } from '../../support/database.ts'
import { until } from '../../support/eventually.ts'
import { runScript } from '../../support/script.ts'
import { spawnService } from '../../support/service.ts'

const ROWS = 200_000
const PATIENCE_MS = 60_000
const READ_EVERY_MS = 20
const STOPPED_AFTER_MS = 500

/** How a start handled a backlog of invalidations. Times in s. */
export interface Backlog {
  readonly rows: number
  readonly readyS: number
  readonly trustedS: number
  readonly reads: number
  readonly failedReads: number
  readonly slowestReadS: number
  readonly stoppedS: number
  readonly statementsLeft: number
}

/**
 * Inserts outbox rows while no process runs, as psql would, and starts a process; then does the same again, and stops
 * the process while it replays them.
 */
export async function measureBacklog(env: Environment & { DATABASE_URL: string }): Promise<Backlog> {
  await runScript('src/cli/migrate.ts', { DATABASE_URL: env.DATABASE_URL })
  await insertBacklog(env.DATABASE_URL)
  const start = performance.now()
  const seconds = () => Math.round((performance.now() - start) / 10) / 100
  const service = await spawnService(env)
  await until(async () => (await fetch(`${service.url}/health/ready`)).status === 200, PATIENCE_MS)
  const readyS = seconds()
  const read = await readUntilTrusted(service.url)
  const trustedS = seconds()
  await service.kill('SIGTERM')

  await insertBacklog(env.DATABASE_URL)
  const other = await spawnService(env)
  await sleep(STOPPED_AFTER_MS)
  const stopped = performance.now()
  await other.kill('SIGTERM')
  const stoppedS = Math.round((performance.now() - stopped) / 10) / 100
  const left = await query(
    env.DATABASE_URL,
    `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state = 'active'`
  )
  return { rows: ROWS, readyS, trustedS, ...read, stoppedS, statementsLeft: left.length }
}

async function insertBacklog(databaseUrl: string): Promise<void> {
  await query(databaseUrl, 'delete from cache_invalidation')
  await query(
    databaseUrl,
    `insert into cache_invalidation (tag) select 'course:' || n from generate_series(1, ${ROWS}) as n`
  )
}

async function readUntilTrusted(url: string) {
  const result = { reads: 0, failedReads: 0, slowestReadS: 0 }
  await until(async () => {
    const start = performance.now()
    const answer = await fetch(`${url}/api/v1/categories`)
    await answer.arrayBuffer()
    result.reads++
    if (answer.status !== 200) result.failedReads++
    result.slowestReadS = Math.max(result.slowestReadS, Math.round((performance.now() - start) / 10) / 100)
    await sleep(READ_EVERY_MS)
    return /^(HIT|MISS)$/.test(answer.headers.get('x-cache') ?? '')
  }, PATIENCE_MS)
  return result
}
