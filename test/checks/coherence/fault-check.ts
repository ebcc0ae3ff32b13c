import { setTimeout as sleep } from 'node:timers/promises'
import { FAULTS, type Fault } from './faults.ts'
import type { Stale } from './ledger.ts'
import type { Failure, Tally } from './load.ts'
import { Load, type LoadOptions } from './load.ts'
import { findStuck } from './load-check.ts'
import type { Lease, Options } from './options.ts'
import { explain, explainStale, table, worstLateMs } from './report.ts'
import { World } from './world.ts'

/** Moderate, so that results show the fault and not an overloaded machine. */
const LOAD = { connections: 2, depth: 4, thinkMs: 25 }
const BEFORE_MS = 1000
/** How long after a fault reads may still be stale, in ms. */
const WINDOW_MS = 1000
const AFTER_MS = 1500

const HEADINGS = [
  [
    'fault',
    'fault s',
    'reads',
    'stale',
    'worst ms',
    'failed reads',
    'failed writes',
    'trusted after ms',
    'last stale after ms',
    'stale later'
  ]
]

interface Episode {
  readonly start: number
  readonly end: number
  readonly reads: number
  readonly trustedAfterMs: number
}

/** Runs every fault at every lease; returns true when all rules held. */
export async function checkFaults(options: Options): Promise<boolean> {
  let held = true
  for (const lease of options.leases) held = (await checkAtLease(lease, options)) && held
  return held
}

/** Runs one fault after the other during reads and writes. */
async function checkAtLease(lease: Lease, { instances, writers, writePauseMs, only }: Options): Promise<boolean> {
  const world = await World.start({ instances, lease, faults: true })
  const options: LoadOptions = { ...LOAD, writers, writePauseMs }
  const load = new Load(world, options)
  load.start()
  const rows: (string | number)[][] = []
  const complaints: string[] = []
  let from = performance.now()
  for (const fault of FAULTS.filter(({ name }) => name.includes(only))) {
    console.error(fault.name)
    const episode = await run(fault, world, load.tally)
    const now = performance.now()
    const { row, complaint } = judge(fault, episode, load.tally, from)
    from = now
    rows.push(row)
    if (complaint !== '') {
      console.error(complaint)
      complaints.push(fault.name)
    }
  }
  await load.stop()
  await sleep(world.leaseMs + WINDOW_MS)
  const stuck = await findStuck(world)
  if (stuck.length > 0) console.error(`still wrong after the writes stopped:\n${explain(stuck)}`)
  await world.stop()

  console.log(table([...HEADINGS, ...rows]))
  console.log(
    `lease ${world.leaseMs} ms: ${load.tally.answered} reads, ${load.tally.writes} writes, ${stuck.length} stuck keys at the end`
  )
  const held = complaints.length === 0 && stuck.length === 0
  console.log(
    held ? 'coherent through every fault' : `NOT COHERENT: ${[...complaints, ...stuck.slice(0, 1)].join('; ')}`
  )
  return held
}

async function run(fault: Fault, world: World, tally: Tally): Promise<Episode> {
  await world.healthy()
  await sleep(BEFORE_MS)
  const start = performance.now()
  const sentBefore = tally.sent
  await fault.strike(world, tally)
  const end = performance.now()
  const trusted = Promise.resolve(fault.repair?.(world))
    .then(() => world.healthy())
    .then(() => performance.now() - end)
  await sleep(WINDOW_MS)
  const reads = tally.sent - sentBefore
  const trustedAfterMs = await trusted
  await sleep(AFTER_MS)
  return { start, end, reads, trustedAfterMs }
}

/** What happened since `from`, the end of the previous fault. */
function judge({ name, unnoticed, readsMayFail }: Fault, episode: Episode, tally: Tally, from: number) {
  const { start, end, reads, trustedAfterMs } = episode
  const stale = tally.stale.filter(({ sentAt }) => sentAt >= from)
  const inWindow = ({ sentAt }: Stale) => sentAt >= start && sentAt <= end + WINDOW_MS
  const within = stale.filter(inWindow)
  const later = stale.filter((one) => !inWindow(one) && one.broken)
  const since = ({ at }: Failure) => at >= from
  const failedReads = tally.failedReads.filter(since)
  const failedWrites = tally.failedWrites.filter(since)
  const wrong = [...later, ...within.filter(({ broken }) => unnoticed && broken)]
  const lastStale = Math.max(0, ...stale.map(({ sentAt }) => sentAt - end))
  const complaints = [
    wrong.length > 0 ? `  stale reads that this fault does not allow:\n${explainStale(wrong)}` : '',
    failedReads.length > 0 && !readsMayFail ? `  failed reads:\n${explain(failedReads.map(({ what }) => what))}` : ''
  ]
  return {
    row: [
      name,
      ((end - start) / 1000).toFixed(1),
      reads,
      within.length,
      worstLateMs(within),
      failedReads.length,
      failedWrites.length,
      Math.round(trustedAfterMs),
      Math.ceil(lastStale),
      later.length
    ],
    complaint: complaints.filter((text) => text !== '').join('\n')
  }
}
