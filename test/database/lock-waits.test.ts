import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import t from 'tap'
import { withShortLockWaits } from '#database/lock-waits.ts'
import { PostgresServer } from '../support/postgres.ts'

/** Longer than a request may take. */
const HELD_MS = 5500

t.test('a migration that waits for a lock does not block requests, and is applied in the end', async (t) => {
  const server = await PostgresServer.start()
  t.teardown(() => server.stop())
  const url = await server.createDatabase()
  const connected = async () => {
    const client = new Client(url)
    await client.connect()
    t.teardown(() => client.end())
    return client
  }
  const [holder, migration, visitor] = await Promise.all([connected(), connected(), connected()])
  await holder.query('create table course (id int)')
  await holder.query('begin; select from course')

  let waits = 0
  const migrated = withShortLockWaits(
    'alter table course add column title text',
    (script) => migration.query(script),
    () => waits++
  )
  let slowestMs = 0
  for (const end = performance.now() + HELD_MS; performance.now() < end; await sleep(50)) {
    const start = performance.now()
    await visitor.query('select from course')
    slowestMs = Math.max(slowestMs, performance.now() - start)
  }
  await holder.query('commit')
  await migrated
  t.ok(waits > 0)
  t.ok(slowestMs < 3000, `a visitor waited for ${Math.round(slowestMs)} ms at most`)
  await visitor.query('select title from course')

  await t.test('other errors are thrown at once', async (t) => {
    const wrong = withShortLockWaits('select 1 / 0', (script) => migration.query(script), t.fail)
    await t.rejects(wrong, { code: '22012' })
  })
})
