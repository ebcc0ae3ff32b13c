import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { Actor, peopleEnvironment, register } from '../support/actors.ts'
import { query } from '../support/database.ts'
import { until } from '../support/eventually.ts'
import { PostgresServer } from '../support/postgres.ts'
import { RedisServer } from '../support/redis.ts'
import { manyClients, spawnService } from '../support/service.ts'

/** `LOCK_TIMEOUT_MS` of src/database/timeouts.ts, and a statement timeout that is longer. */
const LOCK_TIMEOUT_MS = 2000
const STATEMENT_TIMEOUT_S = 3
/** Far less than either timeout. */
const AT_ONCE_MS = 1900

t.test('bulkheads of the database', async (t) => {
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const postgres = await PostgresServer.start()
  t.teardown(() => postgres.stop())
  const databaseUrl = await postgres.createDatabase('seeded')
  // In a separate process: hundreds of concurrent and aborted requests leave connections that a stop waits for.
  const { url, kill } = await spawnService({
    ...manyClients,
    ...peopleEnvironment,
    REDIS_URL: redis.url,
    DATABASE_URL: databaseUrl,
    DATABASE_STATEMENT_TIMEOUT: `${STATEMENT_TIMEOUT_S}`
  })
  t.teardown(() => kill('SIGKILL'))
  const [ann, bob] = [await register(url, 'ann'), await register(url, 'bob')]

  /** Holds a lock, as a session in psql would, until the returned function is called. */
  async function hold(statement: string): Promise<() => Promise<void>> {
    const psql = new pg.Client({ connectionString: databaseUrl })
    await psql.connect()
    await psql.query('begin')
    await psql.query(statement)
    return () => psql.end()
  }

  async function timed(request: Promise<Response>) {
    const start = performance.now()
    const answer = await request
    const code = /"code":"(\w+)"/.exec(await answer.text())?.[1]
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), code, ms: performance.now() - start }
  }

  const get = (path: string, signal?: AbortSignal) => fetch(`${url}${path}`, signal === undefined ? {} : { signal })
  const waiting = async (table: string) =>
    (
      await query(
        databaseUrl,
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and state = 'active' and query ilike '%${table}%'`
      )
    ).length

  await t.test('writers of a locked row get 503 with Retry-After, and other requests are unaffected', async (t) => {
    const release = await hold(`select 1 from app_user where name = 'ann' for update`)
    const slow = Array.from({ length: 30 }, (_, i) => timed(ann.request('PATCH', '/api/v1/users/me', { bio: `${i}` })))
    await until(async () => (await waiting('app_user')) > 0, 2000)
    const beside = await Promise.all([
      timed(get('/health/ready')),
      timed(get('/api/v1/courses?limit=9')),
      timed(get('/api/v1/courses/1')),
      timed(bob.get('/api/v1/users/me'))
    ])
    t.same(
      beside.map(({ status }) => status),
      [200, 200, 200, 200]
    )
    t.ok(
      beside.every(({ ms }) => ms < AT_ONCE_MS),
      JSON.stringify(beside)
    )
    const answers = await Promise.all(slow)
    t.ok(
      answers.every(({ status, retryAfter }) => status === 503 && retryAfter !== null),
      JSON.stringify(answers[0])
    )
    // A writer that has waited for another writer and then for the row may hit the other timeout.
    const codes = new Set(answers.map(({ code }) => code))
    t.ok(codes.has('LOCKED') && codes.has('BUSY'))
    t.ok([...codes].every((code) => ['LOCKED', 'BUSY', 'TIMEOUT'].includes(code ?? '')))
    t.ok(answers.every(({ ms }) => ms < 3 * LOCK_TIMEOUT_MS))
    await release()
    t.equal((await timed(ann.request('PATCH', '/api/v1/users/me', { bio: 'done' }))).status, 200)
  })

  await t.test('a user without rights on a course neither waits for its writers nor delays them', async (t) => {
    const release = await hold('select 1 from course where id = 1 for update')
    const answer = await timed(bob.request('PATCH', '/api/v1/courses/1', { title: 'Mine' }))
    t.match(answer, { status: 403, code: 'NOT_YOURS' })
    t.ok(answer.ms < AT_ONCE_MS, `${answer.ms}`)
    await release()
  })

  await t.test('searches that fill their bulkhead delay no other request, and health reports it', async (t) => {
    const release = await hold('lock table module in access exclusive mode')
    const searches = Array.from({ length: 90 }, (_, i) => timed(get(`/api/v1/courses?search=word${i}&level=beginner`)))
    // A search without results reads no modules; these lists do.
    const lists = Array.from({ length: 90 }, (_, i) => timed(get(`/api/v1/courses?limit=${i + 10}`)))
    await until(async () => (await waiting('module')) > 0, 8000)
    const beside = await Promise.all([
      timed(get('/health/ready')),
      timed(get('/api/v1/categories/programming')),
      timed(get('/api/v1/stats')),
      timed(get('/metrics')),
      timed(bob.request('PATCH', '/api/v1/users/me', { bio: 'not held up' }))
    ])
    t.same(
      beside.map(({ status }) => status),
      [200, 200, 200, 200, 200]
    )
    t.ok(
      beside.every(({ ms }) => ms < AT_ONCE_MS),
      JSON.stringify(beside)
    )
    const refused = (await Promise.all([...searches, ...lists])).filter(({ status }) => status !== 200)
    t.ok(refused.some(({ code }) => code === 'BUSY'))
    t.ok(refused.every(({ status, retryAfter }) => status === 503 && retryAfter !== null))
    await release()
    t.equal((await timed(get('/api/v1/courses?limit=33'))).status, 200)
  })

  await t.test('a statement past its timeout is cancelled, and changes nothing', async (t) => {
    await query(
      databaseUrl,
      `create function sleepy() returns trigger language plpgsql as $$ begin
       if new.bio = 'sleep' then perform pg_sleep(30); end if;
       return new;
     end $$;
     create trigger sleepy before update on app_user for each row execute function sleepy()`
    )
    const answer = await timed(ann.request('PATCH', '/api/v1/users/me', { bio: 'sleep' }))
    t.match(answer, { status: 503, code: 'TIMEOUT', retryAfter: /^\d+$/ })
    t.ok(answer.ms < 1000 * STATEMENT_TIMEOUT_S + AT_ONCE_MS, `${answer.ms}`)
    t.match(await (await ann.get('/api/v1/users/me')).text(), /"bio":"done"/)
  })

  await t.test('a client hangs up', async (t) => {
    await t.test('its query is cancelled', async (t) => {
      const lists = [
        ['module', '/api/v1/courses?limit=7'],
        ['enrollment', '/api/v1/users/me/courses', bob],
        ['enrollment', '/api/v1/users/me/progress', bob],
        ['generation_job', '/api/v1/generation', bob]
      ] as const
      for (const [table, path, actor = new Actor(url)] of lists) {
        const release = await hold(`lock table ${table} in access exclusive mode`)
        const gone = new AbortController()
        const request = { headers: { cookie: actor.cookie }, signal: gone.signal }
        const answer = fetch(`${url}${path}`, request).catch(() => 'hung up')
        await until(async () => (await waiting(table)) === 1, 2000)
        const start = performance.now()
        gone.abort()
        t.equal(await answer, 'hung up', path)
        await until(async () => (await waiting(table)) === 0, 2000)
        t.ok(performance.now() - start < LOCK_TIMEOUT_MS / 2, 'long before the lock timeout')
        await release()
        t.equal((await timed(actor.get(path))).status, 200)
      }
    })

    await t.test('a query that another client waits for continues', async (t) => {
      const release = await hold('lock table module in access exclusive mode')
      const gone = new AbortController()
      const first = get('/api/v1/courses?limit=8', gone.signal).catch(() => 'hung up')
      await until(async () => (await waiting('module')) === 1, 2000)
      const second = timed(get('/api/v1/courses?limit=8'))
      // The wait is not visible from outside.
      await sleep(100)
      gone.abort()
      t.equal(await first, 'hung up')
      await release()
      t.equal((await second).status, 200)
    })
  })
})
