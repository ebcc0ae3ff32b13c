import t from 'tap'
import { register } from '../support/actors.ts'
import { query } from '../support/database.ts'
import { until } from '../support/eventually.ts'
import { PostgresServer } from '../support/postgres.ts'
import { startService } from '../support/service.ts'

const WRITES = 40
const MINUTE_MS = 60_000

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
const env = { RATE_LIMIT_ANONYMOUS: '0', RATE_LIMIT_USER: '0', SEED: 'none', LLM_PROVIDER: 'template' }
const set = (url: string, setting: string) =>
  query(url, `alter database ${new URL(url).pathname.slice(1)} set ${setting}`)

/** A service on a new database with these settings. */
async function start(settings: readonly string[], more = {}) {
  const DATABASE_URL = await postgres.createDatabase()
  for (const setting of settings) await set(DATABASE_URL, setting)
  const service = await startService(t, { ...env, ...more, DATABASE_URL })
  return { ...service, databaseUrl: DATABASE_URL }
}

for (const zone of ['Asia/Yekaterinburg', 'America/New_York']) {
  t.test(`the time zone ${zone} shifts no instant and no hourly limit`, async (t) => {
    const { url, databaseUrl } = await start([`timezone = '${zone}'`], { RATE_LIMIT_GENERATION: '1', WORKER: 'none' })
    const ann = await register(url, 'ann')
    const me = JSON.parse(await (await ann.get('/api/v1/users/me')).text())
    t.ok(Math.abs(Date.parse(me.createdAt) - Date.now()) < MINUTE_MS, me.createdAt)
    const generation = { topic: 'Redis', level: 'beginner', language: 'en', modules: 1, chaptersPerModule: 1 }
    const statuses = []
    for (let i = 0; i < 2; i++) statuses.push((await ann.request('POST', '/api/v1/generation', generation)).status)
    t.same(statuses, [202, 429])
    await query(databaseUrl, `update generation_job set created_at = created_at - interval '61 minutes'`)
    t.equal((await ann.request('POST', '/api/v1/generation', generation)).status, 202, 'an hour later')
  })
}

for (const level of ['repeatable read', 'serializable']) {
  t.test(`with ${level} as the default isolation, concurrent writes of one account all succeed`, async (t) => {
    const { url } = await start([`default_transaction_isolation = '${level}'`])
    const ann = await register(url, 'ann')
    const patch = (_: unknown, i: number) => ann.request('PATCH', '/api/v1/users/me', { bio: `bio ${i}` })
    const answers = await Promise.all(Array.from({ length: WRITES }, patch))
    t.same([...new Set(answers.map(({ status }) => status))], [200])
  })
}

t.test('every temporary failure of the database is 503 with Retry-After', async (t) => {
  const { url, databaseUrl } = await start([])
  const ann = await register(url, 'ann')
  await query(
    databaseUrl,
    `create function refuse() returns trigger language plpgsql as $$ begin
       if new.bio like 'code %' then raise exception 'not now' using errcode = substr(new.bio, 6); end if;
       return new;
     end $$;
     create trigger refuse before update on app_user for each row execute function refuse()`
  )
  for (const code of [
    '08006',
    '25006',
    '25P04',
    '40001',
    '40P01',
    '53100',
    '53200',
    '53300',
    '55P03',
    '57014',
    '57P01',
    '57P03',
    '58030'
  ]) {
    const answer = await ann.request('PATCH', '/api/v1/users/me', { bio: `code ${code}` })
    t.same([answer.status, answer.headers.get('retry-after')], [503, '5'], code)
    const expected = code === '55P03' ? 'LOCKED' : code === '57014' ? 'TIMEOUT' : 'DATABASE_DOWN'
    t.equal(JSON.parse(await answer.text()).code, expected, code)
  }
  const fault = await ann.request('PATCH', '/api/v1/users/me', { bio: 'code 22012' })
  t.equal(fault.status, 500, 'other errors are still 500')
})

t.test('connections left read-only by a failover are discarded, so writes succeed afterwards', async (t) => {
  const { url, databaseUrl } = await start([])
  const ann = await register(url, 'ann')
  const patch = async (bio: string) => (await ann.request('PATCH', '/api/v1/users/me', { bio })).status
  const readiness = async () => JSON.parse(await (await fetch(`${url}/health/ready`)).text())
  await Promise.all(Array.from({ length: 20 }, (_, i) => patch(`before ${i}`)))
  await set(databaseUrl, 'default_transaction_read_only = on')
  await query(
    databaseUrl,
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
  )
  await until(async () => (await patch('while it is')) === 503, 5000)
  await until(async () => (await readiness()).status === 'degraded', 5000)
  t.match(await readiness(), { status: 'degraded', checks: { database: 'read-only' } })
  t.equal((await fetch(`${url}/api/v1/courses`)).status, 200, 'reads continue')
  // By now every connection of the pool is read-only.
  await Promise.all(Array.from({ length: 20 }, (_, i) => ann.get(`/api/v1/courses?page=${i + 1}`)))
  await query(
    databaseUrl,
    `begin read write; alter database ${new URL(databaseUrl).pathname.slice(1)} reset default_transaction_read_only; commit`
  )
  const statuses = await Promise.all(Array.from({ length: WRITES }, (_, i) => patch(`after ${i}`)))
  t.same([...new Set(statuses)], [200])
  // The connections of readiness checks were read-only too, and their results are shared for a second.
  await until(async () => (await readiness()).status === 'ok', 5000)
  t.match(await readiness(), { status: 'ok', checks: { database: 'up' } })
})
