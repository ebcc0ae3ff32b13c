import t from 'tap'
import { Actor } from '../support/actors.ts'
import { spawnFor, startStack, statusOf } from '../support/people.ts'

const READ = '/api/v1/categories'
const WAVES = 10
/** Per process: a busy machine cannot handle more within the timeout of Redis commands. */
const REQUESTS_OF_A_WAVE = 4
const MAX_ATTEMPTS = 10

t.test('of 160 requests from one address to four processes, exactly 100 pass', async (t) => {
  const { env } = await startStack(t)
  const limits = { RATE_LIMIT_ANONYMOUS: '100', TRUST_PROXY: 'true' }
  // The first process migrates and seeds the database.
  const first = await spawnFor(t, { ...env, ...limits })
  const others = await Promise.all([1, 2, 3].map(() => spawnFor(t, { ...env, ...limits })))
  const processes = [first, ...others]
  t.match(first.output(), /"level":40.*TRUST_PROXY=true trusts any address.*TRUST_PROXY=1/)
  const clients = processes.map(({ url }) => new Actor(url))

  /** Sends waves of requests to the four processes at once. */
  async function sendFrom(address: string): Promise<number[]> {
    const statuses: number[] = []
    for (let wave = 0; wave < WAVES; wave++) {
      const requests = clients.flatMap((client) =>
        Array.from({ length: REQUESTS_OF_A_WAVE }, () => statusOf(client.get(READ, { 'x-forwarded-for': address })))
      )
      statuses.push(...(await Promise.all(requests)))
    }
    return statuses
  }
  /** How often a process counted for itself because Redis did not answer in time. */
  const outages = () =>
    processes.flatMap(({ output }) => output().match(/each process counts rate limits on its own/g) ?? []).length

  // Warm-up: the first requests of a process are the slowest.
  await sendFrom('192.0.2.1')
  let statuses: number[] = []
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const before = outages()
    statuses = await sendFrom(`192.0.2.${100 + attempt}`)
    // The test is about the exact count in Redis, not about the speed of this machine.
    if (outages() === before) break
    t.comment(`attempt ${attempt} of ${MAX_ATTEMPTS}: a process had no answer of Redis in time`)
  }
  t.equal(statuses.filter((status) => status === 200).length, 100)
  t.equal(statuses.filter((status) => status === 429).length, 60)

  for (const path of ['/health/live', '/health/ready']) {
    for (const client of clients) t.equal(await statusOf(client.get(path)), 200, 'health has a separate limit')
  }
})
