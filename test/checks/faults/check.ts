/**
 * `npm run check:faults`: how faults affect clients, with three API processes under load, on one Redis, with Sentinel
 * and on a Cluster. Exits with 1 if a rule was broken: a public read failed, a read was stale a second after the fault,
 * an acknowledged write was lost, or a process did not recover soon after one of fifty failovers in a row.
 * `--only "part of a name"` selects some, `--failovers 5` runs fewer failovers.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { signIn } from '../../support/actors.ts'
import { RedisServer } from '../../support/redis.ts'
import { type Owner, startCluster, startSentinel, type Topology } from '../../support/topologies.ts'
import { table } from '../coherence/report.ts'
import { FAILOVERS_HEADINGS, failoversInARow } from './failovers.ts'
import { clusterFaults, type Fault, sentinelFaults, singleFaults } from './faults.ts'
import type { Tally } from './load.ts'
import { Owned } from './owned.ts'
import { onSmallDisk } from './small-disk.ts'
import { Stage } from './stage.ts'

const BEFORE_MS = 1000
const RECOVERY_MS = 30_000
const STEADY_MS = 1000
/** How long reads may be stale after a fault, in ms. */
const WINDOW_MS = 1000
const AFTER_MS = 1500
const FAILOVERS = 'Sentinel: failovers in a row'

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, failovers: { type: 'string', default: '50' } }
})
const failovers = Number(values.failovers)
if (!Number.isInteger(failovers) || failovers < 1) {
  console.error('--failovers must be an integer above 0')
  process.exit(2)
}

const topologies: [string, (owner: Owner) => Promise<Topology>, readonly Fault[]][] = [
  ['one Redis', startSingle, singleFaults],
  ['Sentinel', startSentinel, sentinelFaults],
  ['Cluster', startCluster, clusterFaults]
]

const rows: (string | number)[][] = [
  [
    'fault',
    'public reads',
    'failed',
    'failed when signed in',
    'writes',
    'refused',
    'slowest ms',
    'stale',
    'stale later',
    'recovered after ms',
    'lost'
  ]
]
const complaints: string[] = []
for (const [name, start, faults] of topologies) {
  const chosen = faults.filter((fault) => `${name}: ${fault.name}`.includes(values.only))
  if (chosen.length === 0) continue
  const owned = new Owned()
  try {
    const stage = await Stage.start(owned, await start(owned))
    stage.load.start()
    await sleep(BEFORE_MS)
    for (const fault of chosen) {
      console.error(`${name}: ${fault.name}`)
      await run(`${name}: ${fault.name}`, fault, stage)
    }
    await stage.load.stop()
  } finally {
    await owned.end()
  }
}
if (rows.length > 1) console.log(table(rows))
if (FAILOVERS.includes(values.only)) {
  const owned = new Owned()
  try {
    const { row, wrong } = await failoversInARow(owned, failovers)
    console.log(table([FAILOVERS_HEADINGS, row]))
    if (wrong.length > 0) complaints.push(`${FAILOVERS}: ${wrong.join(', ')}`)
  } finally {
    await owned.end()
  }
}
console.log(complaints.length === 0 ? 'every rule held' : `BROKEN: ${complaints.join('; ')}`)
process.exit(complaints.length === 0 ? 0 : 1)

async function run(name: string, fault: Fault, stage: Stage): Promise<void> {
  const { load } = stage
  const student = await signIn(stage.url, 'student@example.org', 'password of student')
  const redis = new Redis(Number(/:(\d+)/.exec(stage.topology.url.replace(/^\w+:\/\//, ''))?.[1]), '127.0.0.1')
  redis.on('error', () => {})
  load.reset()
  await fault.strike(stage, redis)
  const end = performance.now()
  redis.disconnect()
  const recoveredAfterMs = await recovery(stage, student.cookie, end)
  await sleep(Math.max(0, end + WINDOW_MS - performance.now()))
  const during = load.reset()
  await sleep(AFTER_MS)
  const after = load.reset()
  const session = await fetch(`${stage.url}/api/v1/auth/session`, { headers: { cookie: student.cookie } })
  await session.arrayBuffer()
  const lost = await stage.lost()
  judge(name, fault, { during, after, recoveredAfterMs, lost, signedOut: session.status === 401 })
}

/** Time from `end` until the service is healthy and stays so for a second, in ms; -1 if it does not recover. */
async function recovery(stage: Stage, student: string, end: number): Promise<number> {
  let since = end
  while (performance.now() - end < RECOVERY_MS) {
    const errors = errorsOf(stage.load.tally)
    const well = await stage.recovered(student)
    await sleep(20)
    const now = performance.now()
    if (!well || errorsOf(stage.load.tally) > errors) since = now
    if (now - since > STEADY_MS) return Math.round(since - end)
  }
  return -1
}

function errorsOf({ publicErrors, signedInErrors }: Tally): number {
  return publicErrors + signedInErrors
}

interface Outcome {
  readonly during: Tally
  readonly after: Tally
  readonly recoveredAfterMs: number
  readonly lost: readonly number[]
  readonly signedOut: boolean
}

function judge(name: string, fault: Fault, { during, after, recoveredAfterMs, lost, signedOut }: Outcome): void {
  const losses = [...(lost.length > 0 ? [`writes to ${lost.length} courses`] : []), ...(signedOut ? ['sessions'] : [])]
  rows.push([
    name,
    during.publicReads,
    during.publicErrors,
    during.signedInErrors,
    during.writes,
    during.refusedWrites,
    Math.round(during.slowestMs),
    during.stale,
    after.stale,
    recoveredAfterMs,
    losses.join(', ') || 'nothing'
  ])
  const errors = [...during.errors, ...after.errors].map(([what, count]) => `${what} x${count}`)
  if (errors.length > 0) console.error(`  ${errors.join(', ')}`)
  const wrong = [
    during.publicErrors + after.publicErrors > 0 && fault.readsMayFail !== true && 'public reads failed',
    after.stale > 0 && 'stale reads after the fault',
    lost.length > 0 && 'acknowledged writes lost',
    signedOut && fault.losesSessions !== true && 'signed out',
    recoveredAfterMs < 0 && 'no recovery',
    after.signedInErrors > 0 && 'signed-in clients fail after the recovery'
  ].filter((problem) => problem !== false)
  if (wrong.length > 0) complaints.push(`${name}: ${wrong.join(', ')}`)
}

/** A Redis with an AOF, on a disk that can be filled. */
async function startSingle(owner: Owner): Promise<Topology> {
  const server = await onSmallDisk(owner, () => RedisServer.start('--appendonly', 'yes', '--appendfsync', 'everysec'))
  owner.teardown(() => server.stop())
  return { url: server.url, masters: 1 }
}
