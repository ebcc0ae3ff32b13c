import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import type { Environment } from '#config/environment.ts'
import { type Actor, ADMIN, draftOf, peopleEnvironment, signIn } from '../support/actors.ts'
import { query } from '../support/database.ts'
import { until } from '../support/eventually.ts'
import { freePort } from '../support/port.ts'
import { PostgresServer } from '../support/postgres.ts'
import { RedisServer } from '../support/redis.ts'
import { runScript } from '../support/script.ts'
import { spawnService } from '../support/service.ts'

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
const [redis, otherRedis] = [await RedisServer.start(), await RedisServer.start()]
t.teardown(() => Promise.all([redis.stop(), otherRedis.stop()]))
const DATABASE_URL = await postgres.createDatabase('migrated')
const env = {
  ...peopleEnvironment,
  SESSION_SECRET: 'a secret of thirty-two characters',
  CACHE_L1_LEASE_MS: '0',
  WORKER: 'none',
  SEED: 'none',
  DATABASE_URL,
  REDIS_URL: redis.url
}

async function start(changes: Environment = {}) {
  const service = await spawnService({ ...env, ...changes })
  t.teardown(() => service.kill('SIGKILL'))
  return service
}

/** The last line of a start that was refused. */
async function refusal(changes: Environment): Promise<string> {
  const started = await spawnService({ ...env, ...changes }).then(
    (service) => service.kill('SIGKILL').then(() => 'it started'),
    (error) => String(error instanceof Error ? error.message : error)
  )
  t.match(started, /ended with 1 before/)
  return /^REDIS_URL: .*$/m.exec(started)?.[0] ?? started
}

const first = await start()

t.test('a start with another prefix, another Redis or none on a database in use is refused in one line', async (t) => {
  const line =
    /^REDIS_URL: running processes cache this database elsewhere \(REDIS_KEY_PREFIX "aikademiya"; .*stop them all/
  // Concurrently: each waits some seconds for the running processes to stop.
  const [prefix, other, none] = await Promise.all([
    refusal({ REDIS_KEY_PREFIX: 'other' }),
    refusal({ REDIS_URL: otherRedis.url }),
    refusal({ REDIS_URL: '' })
  ])
  t.match(prefix, line)
  t.match(other, line)
  t.match(none, /REDIS_URL is not set here/)
})

t.test('another database on a Redis and prefix in use is refused until they are cleared', async (t) => {
  const other = { DATABASE_URL: await postgres.createDatabase('migrated'), REDIS_URL: otherRedis.url }
  const before = await start(other)
  await before.kill('SIGTERM')
  const line = await refusal({ REDIS_URL: otherRedis.url, DATABASE_URL: await postgres.createDatabase('migrated') })
  t.match(line, /^REDIS_URL: under the prefix "aikademiya" this Redis caches another database\. .*clear-cache -- --all/)
  const cleared = await runScript('src/cli/clear-cache.ts', { REDIS_URL: otherRedis.url }, '--all', '--yes')
  t.equal(cleared.code, 0)
  const after = await start({ ...other, DATABASE_URL: await postgres.createDatabase('migrated') })
  await after.kill('SIGTERM')
})

t.test('an emptied Redis gets its label again, and processes can start on it', async (t) => {
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  const label = await client.get('aikademiya:store')
  await client.flushall()
  const second = await start()
  t.equal(await client.get('aikademiya:store'), label, 'with the same label')
  await second.kill('SIGTERM')
})

t.test(
  'a process that detects the conflict late does not trust its Redis, and its writes reach the others',
  async (t) => {
    const port = await freePort()
    const late = await start({ REDIS_URL: `redis://127.0.0.1:${port}`, REDIS_SESSION_URL: redis.url })
    const wrong = await RedisServer.start('--port', String(port))
    t.teardown(() => wrong.stop())
    await until(() => /running processes cache this database elsewhere/.test(late.output()), 5000)
    const [admin, lateAdmin] = await Promise.all(
      [first, late].map(({ url }) => signIn(url, ADMIN.email, ADMIN.password))
    )
    if (admin === undefined || lateAdmin === undefined) throw new Error('nobody signed in')
    const { id } = await draftOf(admin)
    await admin.request('PATCH', `/api/v1/courses/${id}`, { status: 'published' })
    const title = async (actor: Actor) => JSON.parse(await (await actor.get(`/api/v1/courses/${id}`)).text()).title
    for (const wanted of ['one', 'two', 'three']) {
      await title(admin)
      await lateAdmin.request('PATCH', `/api/v1/courses/${id}`, { title: wanted })
      t.equal(await title(admin), wanted)
      t.equal(await title(lateAdmin), wanted)
    }
    await late.kill('SIGTERM')
  }
)

t.test('a process suspended while another Redis took over does not answer from its old Redis', async (t) => {
  await first.kill('SIGTERM')
  const stopped = await start()
  const admin = await signIn(stopped.url, ADMIN.email, ADMIN.password)
  const { id } = await draftOf(admin)
  await admin.request('PATCH', `/api/v1/courses/${id}`, { status: 'published', title: 'before' })
  // A suspended process may answer 503 at first, as its event loop is late. Only its final answer counts.
  const read = async () => {
    const ask = () => fetch(`${stopped.url}/api/v1/courses/${id}`)
    let answer = await ask()
    while (answer.status === 503) {
      await answer.text()
      await sleep(100)
      answer = await ask()
    }
    return { title: JSON.parse(await answer.text()).title, cache: answer.headers.get('x-cache') }
  }
  await read()
  t.match(await read(), { title: 'before', cache: 'HIT' })
  stopped.signal('SIGSTOP')
  await sleep(7000)
  await query(DATABASE_URL, `update cache_store set seen_at = seen_at - interval '9 seconds'`)
  const taker = await start({ REDIS_URL: otherRedis.url, REDIS_KEY_PREFIX: 'taker', REDIS_SESSION_URL: redis.url })
  const writer = await signIn(taker.url, ADMIN.email, ADMIN.password)
  t.equal((await writer.request('PATCH', `/api/v1/courses/${id}`, { title: 'after' })).status, 200)
  const reads = Array.from({ length: 10 }, read)
  stopped.signal('SIGCONT')
  t.same([...new Set((await Promise.all(reads)).map(({ title }) => title))], ['after'])
  t.same((await read()).title, 'after')
  await stopped.kill('SIGTERM')

  await t.test('entries kept in the old Redis are not served when the database moves back to it', async (t) => {
    await writer.request('PATCH', `/api/v1/courses/${id}`, { title: 'once more' })
    await query(DATABASE_URL, 'delete from cache_invalidation')
    await taker.kill('SIGKILL')
    await query(DATABASE_URL, `update cache_store set seen_at = seen_at - interval '9 seconds'`)
    const back = await start()
    const answer = await fetch(`${back.url}/api/v1/courses/${id}`)
    t.equal(JSON.parse(await answer.text()).title, 'once more')
    await back.kill('SIGTERM')
  })
})

t.test('once all are stopped, the database moves to another Redis and prefix', async (t) => {
  // Nine seconds without a heartbeat.
  await query(DATABASE_URL, `update cache_store set seen_at = seen_at - interval '9 seconds'`)
  const moved = await start({ REDIS_URL: otherRedis.url, REDIS_KEY_PREFIX: 'moved' })
  t.equal((await fetch(`${moved.url}/health/ready`)).status, 200)
  t.match(await refusal({}), /REDIS_KEY_PREFIX "moved"/)
})
