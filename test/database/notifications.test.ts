import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { Notifications } from '#database/notifications.ts'
import { CHANNEL } from '#database/outbox.ts'
import { query } from '../support/database.ts'
import { timed, until } from '../support/eventually.ts'
import { startDatabase } from '../support/postgres-database.ts'
import { recordingLog } from '../support/recording-log.ts'

const SOON_MS = 1000

const { postgres, url, database } = await startDatabase(t)
const { log, written } = recordingLog()
let heard = 0
const notifications = new Notifications({ url, log })
t.teardown(() => notifications.close())
notifications.listen(CHANNEL, () => heard++)
/** True if a notification arrives within the given time. */
const hears = async (task: () => Promise<unknown>, withinMs = SOON_MS) => {
  const before = heard
  await task()
  return until(() => heard > before, withinMs).then(
    () => true,
    () => false
  )
}

t.test('the callback runs once the listener is connected, as writes may have been missed before', async (t) => {
  await until(() => heard > 0, 5000)
  t.equal(heard, 1)
})

t.test('a write from outside the service is announced at its commit', async (t) => {
  t.equal(await hears(() => query(url, `insert into category (slug, name) values ('a', 'A')`)), true)
  const psql = new pg.Client({ connectionString: url, application_name: 'psql' })
  await psql.connect()
  t.teardown(() => psql.end())
  await psql.query('begin')
  t.equal(await hears(() => psql.query(`update category set name = 'B'`), 150), false)
  t.equal(await hears(() => psql.query('commit')), true)
  t.equal(
    await hears(() => psql.query(`update category set name = 'B'`), 150),
    false,
    'a write that changes nothing is not announced'
  )
})

t.test('a write of the service is not announced, as the service applies it itself', async (t) => {
  const write = () => database.client.category.create({ data: { slug: 'b', name: 'B' } })
  t.equal(await hears(write, 150), false)
})

t.test('an instance without Redis wakes the others', async (t) => {
  t.equal(await hears(() => database.outbox.wake()), true)
})

t.test('a lost connection is restored, and the callback runs, as writes may have been missed', async (t) => {
  const cut = () =>
    query(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%' and pid <> pg_backend_pid()`
    )
  t.equal(await hears(cut, 5000), true)
  t.equal(await hears(() => query(url, `update category set name = 'C'`)), true)
  t.equal(written().match(/lost/g)?.length, 1)
})

t.test('the listener survives a restart of PostgreSQL', async (t) => {
  await postgres.shutDown()
  await sleep(200)
  t.equal(await hears(() => postgres.resume(), 5000), true)
  t.equal(await hears(() => query(url, `update category set name = 'D'`)), true)
  t.equal(written().match(/lost/g)?.length, 2, 'one log line per outage')
})

t.test('the listener stops, whether PostgreSQL is up or not', async (t) => {
  const [, ms] = await timed(() => notifications.close())
  t.ok(ms < SOON_MS, `${ms} ms`)
  t.equal(await hears(() => query(url, `update category set name = 'E'`), 150), false)
  await postgres.shutDown()
  const other = new Notifications({ url, log })
  other.listen(CHANNEL, () => heard++)
  await sleep(100)
  const [, otherMs] = await timed(() => other.close())
  t.ok(otherMs < SOON_MS, `${otherMs} ms`)
})
