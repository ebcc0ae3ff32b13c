import { Agent, get } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from './measure.ts'
import { cacheCount } from './metrics.ts'
import type { Outcome } from './outcome.ts'
import { COURSE, COURSE_ID, type Stack } from './stack.ts'

const REQUESTS = 1000
const PROCESSES = 3
/** How long the table is locked: much longer than 1,000 requests take, so that the database load dominates. */
const LOCK_MS = 1000

/** Measures the slowest of 1,000 simultaneous requests for an uncached course against a single one, and counts the loads. */
export async function coldRequests(stack: Stack): Promise<Outcome> {
  const services: Target[] = []
  for (let i = 0; i < PROCESSES; i++) services.push(await stack.service())
  const before = await loads(services)
  const [alone = Number.NaN] = await askCold(stack, services, 1)
  const between = await loads(services)
  const times = await askCold(stack, services, REQUESTS)
  const loaded = (await loads(services)) - between
  await Promise.all(services.map(({ stop }) => stop()))
  const slowest = Math.max(...times)
  return {
    name: `${REQUESTS} cold requests over ${PROCESSES} processes : one load`,
    ours: `${slowest.toFixed(0)} ms, ${loaded} loads`,
    yardstick: `${alone.toFixed(0)} ms, ${between - before} loads`,
    value: loaded === 1 ? slowest / alone : Number.NaN,
    unit: '',
    goal: { atMost: 3 },
    remark: `the table was locked for ${LOCK_MS} ms, so that a load takes as long`
  }
}

/** Invalidates the course, requests it while its table is locked, and resolves to the response times in ms. */
async function askCold(stack: Stack, services: readonly Target[], requests: number): Promise<number[]> {
  await stack.touch(COURSE_ID)
  // Until every process has received the invalidation.
  await sleep(1500)
  const client = await stack.db.connect()
  const agent = new Agent({ keepAlive: true, maxSockets: 100 })
  try {
    await client.query('begin; lock table course in access exclusive mode')
    const answers = Array.from({ length: requests }, (_, i) => ask(services[i % services.length], agent))
    await sleep(LOCK_MS)
    await client.query('rollback')
    return await Promise.all(answers)
  } finally {
    agent.destroy()
    client.release()
  }
}

function ask(service: Target | undefined, agent: Agent): Promise<number> {
  const begun = performance.now()
  return new Promise((resolve, reject) => {
    get(`${service?.url}${COURSE}`, { agent }, (answer) => {
      text(answer).then(() => {
        if (answer.statusCode === 200) resolve(performance.now() - begun)
        else reject(new Error(`a cold request is answered with ${answer.statusCode}`))
      }, reject)
    }).once('error', reject)
  })
}

async function loads(services: readonly Target[]): Promise<number> {
  const counts = await Promise.all(services.map((service) => cacheCount(service, 'loads', 'course')))
  return counts.reduce((sum, count) => sum + count, 0)
}
