/**
 * `npm run check:databases`: reads and writes at two API processes with a lease of 0, on every supported kind of
 * database. Exits with 1 if a read was stale, an answer was 500, or a process did not start. `--only "part of a name"`
 * selects some, `--writes 200` fewer.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { peopleEnvironment } from '../../support/actors.ts'
import { query } from '../../support/database.ts'
import { PostgresServer } from '../../support/postgres.ts'
import { RedisServer } from '../../support/redis.ts'
import { spawnService } from '../../support/service.ts'
import { table } from '../coherence/report.ts'
import { Owned } from '../faults/owned.ts'
import { measureBacklog } from './backlog.ts'
import { Load } from './load.ts'
import { SETUPS, type Setup } from './setups.ts'

const BEFORE_MS = 1000
const BACKLOG = 'a large backlog of invalidations'
const MAX_TRUSTED_S = 10
const MAX_STOPPED_S = 5

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, writes: { type: 'string', default: '2000' } }
})
const rows: (string | number)[][] = [
  ['database', 'start s', 'writes', 'stale', '500', '503', 'recovered after s', 'advisory locks left']
]
const complaints: string[] = []
const owned = new Owned()
try {
  const postgres = await PostgresServer.start()
  owned.teardown(() => postgres.stop())
  const redis = await RedisServer.start()
  owned.teardown(() => redis.stop())
  for (const [index, setup] of SETUPS.entries()) {
    if (!setup.name.includes(values.only)) continue
    console.error(setup.name)
    await check(setup, `check-${index}`, postgres, redis).catch((error) => {
      console.error(error)
      rows.push([setup.name, '-', 0, 0, 0, 0, '-', '-'])
      complaints.push(`${setup.name}: ${error instanceof Error ? error.message : error}`)
    })
  }
  if (BACKLOG.includes(values.only)) await checkBacklog(postgres, redis)
} finally {
  await owned.end()
}
console.log(table(rows))
console.log(complaints.length === 0 ? 'every rule held' : `BROKEN: ${complaints.join('; ')}`)
process.exit(complaints.length === 0 ? 0 : 1)

async function check(setup: Setup, keyPrefix: string, postgres: PostgresServer, redis: RedisServer): Promise<void> {
  const own = new Owned()
  try {
    const url = await postgres.createDatabase()
    const env = {
      ...peopleEnvironment,
      ...(await setup.prepare(url, postgres, own)),
      REDIS_URL: redis.url,
      REDIS_KEY_PREFIX: keyPrefix,
      CACHE_L1_LEASE_MS: '0',
      SESSION_SECRET: 'a secret of thirty-two characters',
      SEED: 'none'
    }
    // Both start at once on an empty database; locks left behind would block a second start.
    const start = performance.now()
    const processes = await Promise.all([spawn(env, own), spawn(env, own)])
    await spawn(env, own).then((third) => third.kill('SIGTERM'))
    const startS = ((performance.now() - start) / 1000).toFixed(1)
    const load = new Load(processes.map(({ url }) => url))
    await load.prepare()
    const running = load.run(Number(values.writes))
    let recoveredAfterS = '0.0'
    if (setup.strike !== undefined) {
      await sleep(BEFORE_MS)
      await setup.strike(url)
      const end = performance.now()
      await running
      recoveredAfterS = (Math.max(0, load.tally.lastTroubleAt - end) / 1000).toFixed(1)
    }
    await running
    await report(setup, startS, load, recoveredAfterS, await locksLeft(url))
    for (const process of processes) console.error(troubles(process.output()))
  } finally {
    await own.end()
  }
}

/** Output lines at level warn or above, or not in pino's format; slow requests are ignored. */
function troubles(output: string): string {
  const lines = output.split('\n').filter((line) => !/^$|"level":30|"slow request"/.test(line))
  return lines
    .map((line) => `  ${line.slice(0, 400)}`)
    .slice(0, 12)
    .join('\n')
}

async function checkBacklog(postgres: PostgresServer, redis: RedisServer): Promise<void> {
  console.error(BACKLOG)
  const { rows, readyS, trustedS, reads, failedReads, slowestReadS, stoppedS, statementsLeft } = await measureBacklog({
    ...peopleEnvironment,
    DATABASE_URL: await postgres.createDatabase(),
    REDIS_URL: redis.url,
    REDIS_KEY_PREFIX: 'backlog',
    SEED: 'none'
  })
  console.log(
    `${rows} pending invalidations: ready after ${readyS} s, Redis trusted after ${trustedS} s; ${reads} reads meanwhile, ` +
      `${failedReads} failed, slowest ${slowestReadS} s; stopped half-way: exited after ${stoppedS} s, ${statementsLeft} statements left running`
  )
  if (trustedS > MAX_TRUSTED_S || stoppedS > MAX_STOPPED_S || failedReads > 0 || statementsLeft > 0)
    complaints.push(BACKLOG)
}

async function spawn(env: Record<string, string | undefined>, owner: Owned) {
  const service = await spawnService(env)
  owner.teardown(() => service.kill('SIGTERM'))
  return service
}

async function locksLeft(url: string): Promise<number> {
  // Transaction locks end with their transaction, so a lock of an idle session is a session lock.
  const rows = await query(
    url,
    `select from pg_locks join pg_stat_activity using (pid) where locktype = 'advisory' and state = 'idle'`
  )
  return rows.length
}

async function report(setup: Setup, startS: string, load: Load, recoveredAfterS: string, locks: number): Promise<void> {
  const { writes, stale, failed, refused, examples } = load.tally
  rows.push([setup.name, startS, writes, stale, failed, refused, recoveredAfterS, locks])
  for (const example of examples.slice(0, 5)) console.error(`  ${example}`)
  if (stale > 0) complaints.push(`${setup.name}: ${stale} stale reads`)
  if (failed > 0) complaints.push(`${setup.name}: ${failed} answers with 500`)
  if (locks > 0) complaints.push(`${setup.name}: ${locks} advisory locks left behind`)
}
