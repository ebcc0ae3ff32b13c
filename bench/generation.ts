/**
 * `npm run bench:generation`: 200 generations of 40 users over 3 workers, on a separate PostgreSQL, Redis and model server;
 * then how long a new user waits while all of them are queued. Exits with 1 unless each ended exactly once.
 */
import pg from 'pg'
import { type Actor, peopleEnvironment, register } from '../test/support/actors.ts'
import { until } from '../test/support/eventually.ts'
import { ended, generate, generation, spawnWorker } from '../test/support/generations.ts'
import { ModelServer } from '../test/support/model-server.ts'
import { PostgresServer } from '../test/support/postgres.ts'
import { RedisServer } from '../test/support/redis.ts'
import { spawnService } from '../test/support/service.ts'
import { median } from './median.ts'

const USERS = 40
const JOBS_PER_USER = 5
const WORKERS = 3
const SIZE = { modules: 2, chaptersPerModule: 3 }
/** The response time of the model, in ms. */
const MODEL_MS = 500

const [postgres, redis, { model, stop }] = await Promise.all([
  PostgresServer.start(),
  RedisServer.start(),
  ModelServer.launch()
])
model.delayMs = MODEL_MS
const DATABASE_URL = await postgres.createDatabase()
const env = { ...peopleEnvironment, ...model.env, REDIS_URL: redis.url, DATABASE_URL, GENERATION_CONCURRENCY: '3' }
const api = await spawnService({ ...env, WORKER: 'none' })
const workers = await Promise.all(Array.from({ length: WORKERS }, () => spawnWorker(env)))

const users: Actor[] = []
for (let i = 0; i < USERS; i++) users.push(await register(api.url, `user-${i}`))
const newcomer = await register(api.url, 'newcomer')

const start = performance.now()
const jobs = await Promise.all(
  users.map(async (user, u) => {
    const made: { user: Actor; id: string }[] = []
    for (let n = 0; n < JOBS_PER_USER; n++) {
      made.push({ user, id: (await generate(user, { topic: `Topic ${u}.${n}`, ...SIZE })).id })
    }
    return made
  })
)
const accepted = performance.now() - start
const { id } = await generate(newcomer, { topic: 'Newcomer', ...SIZE })
const came = performance.now()
await until(async () => (await generation(newcomer, id)).status !== 'queued', 600_000)
const began = performance.now() - came
await ended(newcomer, id, 600_000)
const finished = performance.now() - came
const firsts = await Promise.all(jobs.map(([first]) => timeOf(first)))
const all = await Promise.all(jobs.flat().map(timeOf))
const total = Math.max(...all) / 1000

const database = new pg.Client(DATABASE_URL)
await database.connect()
const { rows } = await database.query(`
  select count(*)::int as courses, count(distinct title)::int as titles,
    (select count(*)::int from generation_job where status = 'completed') as completed from course`)
await database.end()
const twice = [...new Set(model.questions.map(({ messages }) => JSON.stringify(messages)))].length
const expected = USERS * JOBS_PER_USER + 1
const answers = expected * (1 + SIZE.modules * SIZE.chaptersPerModule)

console.log(
  `${expected - 1} generations of ${USERS} users, 6 chapters each, ${WORKERS} workers; an answer takes ${MODEL_MS} ms`
)
console.log(`  accepted in            ${seconds(accepted)}`)
console.log(`  all completed in       ${total.toFixed(1)} s: ${((60 * (expected - 1)) / total).toFixed(0)} a minute`)
console.log(`  a user's first course  median ${seconds(median(firsts))}, last ${seconds(Math.max(...firsts))}`)
console.log(`  any course             median ${seconds(median(all))}, last ${seconds(Math.max(...all))}`)
console.log(`  a new user, while all are queued: started after ${seconds(began)}, completed after ${seconds(finished)}`)
console.log(`  completed ${rows[0].completed}, courses ${rows[0].courses}, expected ${expected}`)
console.log(`  questions to the model ${model.questions.length}, distinct ones ${twice}, expected ${answers}`)

const good =
  rows[0].completed === expected &&
  rows[0].courses === expected &&
  rows[0].titles === expected &&
  model.questions.length === answers
console.log(good ? 'every generation ended exactly once' : 'NOT every generation ended exactly once')
await Promise.all([api.kill('SIGTERM'), ...workers.map((worker) => worker.kill('SIGTERM'))])
stop()
await Promise.all([postgres.stop(), redis.stop()])
process.exitCode = good ? 0 : 1

/** Time from acceptance to completion, in ms, as recorded by the service. */
async function timeOf(job: { user: Actor; id: string } | undefined): Promise<number> {
  if (job === undefined) throw new Error('no job')
  const { createdAt, updatedAt } = await ended(job.user, job.id, 600_000)
  return Date.parse(updatedAt) - Date.parse(createdAt)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
