import { setTimeout as sleep } from 'node:timers/promises'
import { HttpPipeline } from './http-pipeline.ts'
import { Load, type LoadOptions, type Tally } from './load.ts'
import type { Lease, Options } from './options.ts'
import { explain, explainStale, outcomeShares, table, worstLateMs } from './report.ts'
import { World } from './world.ts'

/** The service answers the requests of one connection in order, so only several connections race. */
const CONNECTIONS = 60
const DEPTH = 2
/** How long after the end of the lease all reads must be fresh, in ms. */
const QUIET_MS = 300
const POLL_MS = 20
const PROGRESS_MS = 5000

const HEADINGS = 'lease,reads,refused,writes,reads/s,stale,broken,worst ms,stuck,errors,X-Cache'.split(',')
/** The percentage of reads that may be refused; more is an error. */
const MAX_REFUSED_PERCENT = 1

/** Reads and writes without a fault, for each lease; returns true if every read was fresh enough. */
export async function checkLoad(options: Options): Promise<boolean> {
  const rows: (string | number)[][] = []
  let held = true
  for (const lease of options.leases) {
    const { row, complaints } = await runLease(lease, options)
    rows.push(row)
    if (complaints !== '') console.error(complaints)
    held &&= complaints === ''
  }
  console.log(table([HEADINGS, ...rows]))
  console.log(
    held ? 'coherent: no read was older than the rules allow' : 'NOT COHERENT: see the reads and errors above'
  )
  return held
}

async function runLease(lease: Lease, { instances, writers, writePauseMs, reads, seconds, firstBroken }: Options) {
  const world = await World.start({ instances, lease })
  const options: LoadOptions = { connections: CONNECTIONS, depth: DEPTH, thinkMs: 0, writers, writePauseMs }
  const load = new Load(world, options)
  const { tally } = load
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  const progress = setInterval(() => {
    const { answered, writes, stale, failedReads, failedWrites } = tally
    const errors = failedReads.length + failedWrites.length
    console.error(
      `lease ${world.leaseMs} ms: ${answered} reads, ${writes} writes, ${stale.length} stale, ${errors} errors after ${elapsed().toFixed()} s`
    )
  }, PROGRESS_MS)

  load.start()
  const isOver = () =>
    tally.answered >= reads || elapsed() >= seconds || (firstBroken && tally.stale.some((one) => one.broken))
  while (!isOver()) await sleep(POLL_MS)
  const readsPerSecond = Math.round(tally.answered / elapsed())
  await load.stop()
  clearInterval(progress)
  await sleep(world.leaseMs + QUIET_MS)
  const stuck = await findStuck(world)
  await world.stop()

  const broken = tally.stale.filter((one) => one.broken)
  const { stale, answered, refused, writes } = tally
  const errors = [...tally.failedReads, ...tally.failedWrites]
  if (refused * 100 > answered * MAX_REFUSED_PERCENT)
    errors.push({ at: 0, what: `${refused} of ${answered + refused} reads were refused as overload` })
  return {
    row: [
      world.leaseMs,
      answered,
      refused,
      writes,
      readsPerSecond,
      stale.length,
      broken.length,
      worstLateMs(stale),
      stuck.length,
      errors.length,
      outcomeShares(tally)
    ],
    complaints: [
      broken.length > 0 ? `lease ${world.leaseMs} ms: stale reads:\n${explainStale(broken)}` : '',
      stuck.length > 0 ? `still wrong after the writes stopped:\n${explain(stuck)}` : '',
      errors.length > 0 ? `errors:\n${explain(errors.map(({ what }) => what))}` : ''
    ]
      .filter((text) => text !== '')
      .join('\n')
  }
}

/** Everything of which an instance or the database has another version than the last acknowledged one. */
export async function findStuck(world: World): Promise<string[]> {
  const wrong: string[] = []
  for (const subject of world.allSubjects()) {
    const { version, absent } = subject.last
    const stored = await world.stored(subject)
    if (stored !== (absent ? 'absent' : version))
      wrong.push(`${subject.name}: the database has ${stored}, expected ${absent ? 'absent' : version}`)
  }
  // A separate load that is never started: any stale read that it tallies is stuck.
  const last = new Load(world, { connections: 0, depth: 0, thinkMs: 0, writers: 0, writePauseMs: 0 })
  for (const instance of world.instances) {
    const connection = new HttpPipeline(() => instance.port)
    for (const readable of world.reads.all) await last.read(instance, connection, readable)
    connection.close()
  }
  return [...wrong, ...stuckIn(last.tally)]
}

function stuckIn({ stale, failedReads }: Tally): string[] {
  const words = stale.map(
    (one) => `${one.subject}: ${one.path} on instance ${one.instance} shows ${one.seen}, expected ${one.acked.version}`
  )
  return [...words, ...failedReads.map(({ what }) => what)]
}
