import { once } from 'node:events'
import { connect } from 'node:net'
import pg from 'pg'
import t from 'tap'
import { query } from './support/database.ts'
import { send } from './support/http.ts'
import { PostgresServer } from './support/postgres.ts'
import { spawnService } from './support/service.ts'

const IN_FLIGHT = 50
const CLOSES_WITHIN_MS = 5000

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
const DATABASE_URL = await postgres.createDatabase('seeded')
// Enough connections and time that all requests wait for the database, and none is refused or times out.
const patient = { DATABASE_POOL_SIZE: '170', DATABASE_STATEMENT_TIMEOUT: '0' }
const service = await spawnService({ DATABASE_URL, SEED: 'demo', RATE_LIMIT_ANONYMOUS: '0', ...patient })
t.teardown(() => service.kill('SIGKILL'))

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const numbers = Array.from({ length: IN_FLIGHT }, (_, index) => index + 1)

/** Waits until `ask` returns true. */
async function until(ask: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`timed out: ${ask}\n${service.output()}`)
    await pause(20)
  }
}

t.test('SIGTERM with fifty requests in flight on kept-alive connections', async (t) => {
  // Fifty open connections, then fifty requests that all wait for the database: the table is locked.
  await Promise.all(numbers.map(() => send(`${service.url}/health/live`)))
  const lock = new pg.Client({ connectionString: DATABASE_URL })
  await lock.connect()
  await lock.query('begin; lock table course in access exclusive mode')
  const answers = Promise.allSettled(numbers.map((page) => send(`${service.url}/api/v1/courses?limit=1&page=${page}`)))

  // And one request whose last bytes have not arrived.
  const { hostname, port } = new URL(service.url)
  const late = connect(Number(port), hostname)
  let lateAnswer = ''
  late.on('data', (chunk) => {
    lateAnswer += chunk
  })
  late.write('GET /health/live HTTP/1.1\r\nHost: test\r\n')

  const waiting = 'select count(*)::int as n from pg_locks where not granted'
  await until(async () => Number((await query(DATABASE_URL, waiting))[0]?.n) >= 5)
  await pause(300)
  service.signal('SIGTERM')
  await until(() => /"closing"/.test(service.output()))
  await pause(200)

  await t.test('accepts no new connection', async (t) => {
    await t.rejects(send(`${service.url}/health/live`, { headers: { connection: 'close' } }))
  })

  late.write('\r\n')
  await once(late, 'close')
  await lock.end()
  const released = performance.now()

  await t.test('answers all fifty requests', async (t) => {
    const statuses = (await answers).map((answer) =>
      answer.status === 'fulfilled' ? answer.value.status : answer.reason
    )
    t.strictSame(
      statuses,
      numbers.map(() => 200)
    )
  })

  await t.test('answers the request that was still arriving', async (t) => {
    t.match(lateAnswer, /^HTTP\/1\.1 200 /)
    t.match(lateAnswer, /^x-request-id: /im)
  })

  await t.test('exits with 0 soon after the last answer', async (t) => {
    t.equal(await service.kill('SIGCONT'), 0)
    const ms = performance.now() - released
    t.ok(ms < CLOSES_WITHIN_MS, `${Math.round(ms)} ms`)
    t.notMatch(service.output(), /"level":[56]0/, 'no error in the log')
  })
})
