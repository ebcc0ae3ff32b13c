/**
 * `npm run check:soak -- --minutes 30`: runs three API processes under a mixed load, and checks that nothing leaks:
 * memory, handles, connections, the outbox. Exits with 1 on growth, or if a client saw an error or a stale read.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { signIn } from '../../support/actors.ts'
import { generate } from '../../support/generations.ts'
import { RedisServer } from '../../support/redis.ts'
import { table } from '../coherence/report.ts'
import { Owned } from './owned.ts'
import { Stage } from './stage.ts'

/** The share of the time that counts as warm-up: until then, processes grow to their normal size. */
const WARM_UP = 0.3
const SAMPLES = 60
/**
 * How much larger a measure may be at the end than after the warm-up: garbage that is not collected yet is not a leak.
 */
const TOLERANCE = 1.15
const GENERATION_EVERY = 5

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0)) {
  console.error('--minutes must be a number above 0')
  process.exit(2)
}

type Sample = Record<string, number>

const owned = new Owned()
const server = await RedisServer.start()
owned.teardown(() => server.stop())
const stage = await Stage.start(owned, { url: server.url, masters: 1 })
const redis = new Redis(server.url)
const author = await signIn(stage.url, 'student@example.org', 'password of student')
stage.load.start()

const samples: Sample[] = []
for (let i = 0; i < SAMPLES; i++) {
  await sleep((minutes * 60_000) / SAMPLES)
  if (i % GENERATION_EVERY === 0) await generate(author, { topic: `Soak ${i}` }).catch(() => {})
  samples.push(await sample())
  console.error(`${Math.round(((i + 1) / SAMPLES) * 100)} % ${JSON.stringify(samples.at(-1))}`)
}
const { tally } = stage.load
await stage.load.stop()
redis.disconnect()
await owned.end()

const after = samples.slice(Math.round(SAMPLES * WARM_UP))
const third = Math.round(after.length / 3)
const names = Object.keys(samples[0] ?? {})
const measures = names.map((name) => {
  const mean = (some: readonly Sample[]) => some.reduce((sum, one) => sum + (one[name] ?? 0), 0) / some.length
  const [first, last] = [mean(after.slice(0, third)), mean(after.slice(-third))]
  return { name, first, last, grew: last > first * TOLERANCE + 2 }
})
console.log(`${minutes} minutes: ${tally.publicReads} public reads, ${tally.writes} writes`)
console.log(
  table([
    ['measure', 'after the warm-up', 'at the end', ''],
    ...measures.map(({ name, first, last, grew }) => [name, first.toFixed(1), last.toFixed(1), grew ? 'GREW' : 'flat'])
  ])
)
const errors = tally.publicErrors + tally.signedInErrors + tally.refusedWrites
const which = [...tally.errors].map(([what, count]) => `${what} x${count}`).join(', ')
console.log(
  `errors ${errors}${which && ` (${which})`}, stale ${tally.stale}, slowest ${Math.round(tally.slowestMs)} ms`
)
process.exit(errors + tally.stale === 0 && measures.every(({ grew }) => !grew) ? 0 : 1)

async function sample(): Promise<Sample> {
  const metrics = await Promise.all(stage.urls.map(async (url) => (await fetch(`${url}/metrics`)).text()))
  const sum = (metric: RegExp) =>
    metrics.flatMap((text) => [...text.matchAll(metric)]).reduce((total, [, n]) => total + Number(n), 0)
  const clients = Number(/connected_clients:(\d+)/.exec(await redis.info('clients'))?.[1])
  return {
    'resident memory of three processes, MiB': sum(/^process_resident_memory_bytes (\S+)$/gm) / 1024 / 1024,
    'JavaScript heap of three processes, MiB': sum(/^nodejs_heap_size_used_bytes (\S+)$/gm) / 1024 / 1024,
    handles: sum(/^nodejs_active_handles\{[^}]*\} (\S+)$/gm),
    'connections to Redis': clients,
    'connections to PostgreSQL': await stage.databaseConnections(),
    outbox: await stage.outboxDepth()
  }
}
