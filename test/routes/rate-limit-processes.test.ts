import t from 'tap'
import { Actor } from '../support/actors.ts'
import { spawnFor, startStack, statusOf } from '../support/people.ts'

const READ = '/api/v1/categories'

t.test('100 anonymous requests pass, of 160 at once over four processes', async (t) => {
  const env = { ...(await startStack(t)).env, RATE_LIMIT_ANONYMOUS: '100' }
  const first = await spawnFor(t, env)
  const others = await Promise.all([1, 2, 3].map(() => spawnFor(t, env)))
  const clients = [first, ...others].map(({ url }) => new Actor(url))
  // A process that has just started may hold itself for overloaded for a second.
  await new Promise((resolve) => setTimeout(resolve, 1500))

  const requests = clients.flatMap((client) => Array.from({ length: 40 }, () => statusOf(client.get(READ))))
  const statuses = await Promise.all(requests)
  t.equal(statuses.filter((status) => status === 200).length, 100)
  t.same(
    statuses.filter((status) => status !== 200),
    Array(60).fill(429)
  )
  for (const path of ['/health/live', '/health/ready']) {
    for (const client of clients) t.equal(await statusOf(client.get(path)), 200, 'health is never limited')
  }
})
