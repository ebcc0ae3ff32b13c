import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { type Actor, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { query } from '../support/database.ts'
import { until } from '../support/eventually.ts'
import { PgBouncer } from '../support/pgbouncer.ts'
import { PostgresServer } from '../support/postgres.ts'
import { RedisServer } from '../support/redis.ts'
import { spawnService } from '../support/service.ts'

const WRITES = 30
/** The number of the lock that a start takes (`src/database/advisory-locks.ts`). */
const STARTUP_LOCK = 4_714_032_001n

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
const redis = await RedisServer.start()
t.teardown(() => redis.stop())
let prefixes = 0

/** What a service is started with on a new database, behind a pooler of this mode. */
async function behind(mode: 'session' | 'transaction', ...options: string[]) {
  const pooler = await PgBouncer.start(postgres.port, mode, ...options)
  t.teardown(() => pooler.stop())
  const databaseUrl = await postgres.createDatabase()
  const REDIS_KEY_PREFIX = `pooler${++prefixes}`
  const env = { ...peopleEnvironment, SEED: 'none', REDIS_URL: redis.url, REDIS_KEY_PREFIX }
  return { databaseUrl, env: { ...env, DATABASE_URL: pooler.url(databaseUrl) } }
}

async function start(env: Record<string, string>) {
  const service = await spawnService(env)
  t.teardown(() => service.kill('SIGKILL'))
  return service
}

const titleOf = async (actor: Actor, id: number): Promise<unknown> =>
  JSON.parse(await (await actor.get(`/api/v1/courses/${id}`)).text()).title

async function published(url: string, name: string) {
  const author = await register(url, name)
  const { id } = await draftOf(author)
  await author.request('PATCH', `/api/v1/courses/${id}`, { status: 'published' })
  return { author, id }
}

t.test('with a pooler that changes application_name, a writer reads its own writes', async (t) => {
  const { env } = await behind('session', 'application_name_add_host=1')
  const { url } = await start(env)
  const { author, id } = await published(url, 'ann')
  for (let i = 0; i < WRITES; i++) {
    await titleOf(author, id)
    await author.request('PATCH', `/api/v1/courses/${id}`, { title: `v${i}` })
    t.equal(await titleOf(author, id), `v${i}`)
  }
})

t.test('a pooler in transaction mode', async (t) => {
  const { env, databaseUrl } = await behind('transaction')
  const first = await start(env)
  const second = await start(env)
  const { author, id } = await published(first.url, 'ann')

  await t.test('repeated starts work, and leave no lock or LISTEN behind', async (t) => {
    const third = await start(env)
    await third.kill('SIGTERM')
    const left = await query(
      databaseUrl,
      `select query from pg_stat_activity left join pg_locks using (pid)
       where datname = current_database() and state = 'idle' and (locktype = 'advisory' or query ilike 'listen%')`
    )
    t.same(left, [])
  })

  await t.test('one log line warns that writes from outside are not announced', async (t) => {
    await until(() => /set DATABASE_DIRECT_URL/.test(second.output()), 5000)
    t.equal(second.output().match(/DATABASE_DIRECT_URL/g)?.length, 1)
  })

  await t.test('all clients read a write at once, and writes from outside shortly after', async (t) => {
    const other = await register(second.url, 'ben')
    await author.request('PATCH', `/api/v1/courses/${id}`, { title: 'by the service' })
    t.equal(await titleOf(author, id), 'by the service')
    await until(async () => (await titleOf(other, id)) === 'by the service', 1500)
    await query(databaseUrl, `update course set title = 'by psql' where id = ${id}`)
    for (const actor of [author, other]) await until(async () => (await titleOf(actor, id)) === 'by psql', 2500)
  })

  await t.test('with DATABASE_DIRECT_URL writes from outside are announced', async (t) => {
    const heard = await start({ ...env, DATABASE_DIRECT_URL: databaseUrl })
    t.notMatch(heard.output(), /LISTEN does not work/)
    const listening = `select from pg_stat_activity where query ilike 'listen%' and datname = current_database()`
    await until(async () => (await query(databaseUrl, listening)).length > 0, 5000)
  })
})

t.test('a start that waits for another logs it', async (t) => {
  const { env, databaseUrl } = await behind('transaction')
  const holder = new pg.Client({ connectionString: databaseUrl })
  await holder.connect()
  t.teardown(() => holder.end())
  await holder.query('begin')
  await holder.query('select pg_advisory_xact_lock($1)', [STARTUP_LOCK])
  const starting = start(env)
  const waiting = `select from pg_locks where locktype = 'advisory' and not granted`
  await until(async () => (await query(databaseUrl, waiting)).length > 0, 20_000)
  await sleep(1500)
  await holder.query('commit')
  t.match((await starting).output(), /waiting for another process that prepares the database/)
})

t.test('a database whose triggers do not notify the service of its own writes is refused in one line', async (t) => {
  const { env, databaseUrl } = await behind('session')
  await query(
    databaseUrl,
    `alter database ${new URL(databaseUrl).pathname.slice(1)} set session_replication_role = replica`
  )
  await t.rejects(start(env), {
    message: /^DATABASE_URL: PostgreSQL cannot be used: the service is not notified of its own writes, .*$/m
  })
})
