import pg from 'pg'
import t, { type Test } from 'tap'
import { isPinned } from '../support/pinned.ts'
import { freePort } from '../support/port.ts'
import { PostgresServer } from '../support/postgres.ts'

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
const url = await postgres.createDatabase()

const NOTICE = `do $$ begin raise notice 'heard'; end $$`

function openPool(t: Test, options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, ...options })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  t.teardown(() => pool.end())
  return pool
}

async function openClient(t: Test): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.end().catch(() => {}))
  return client
}

t.test('pg is pinned: src/database/{commits,pool,notifications,unavailable}.ts hook into it', (t) => isPinned(t, 'pg'))

// src/database/commits.ts, watchPool: a pool emits "connect" with each client before handing it out, and from then on
// all statements go through the `query` that was assigned to the client.
t.test('a `query` assigned to a client at "connect" sees every statement of the pool', async (t) => {
  const pool = openPool(t)
  const seen: unknown[] = []
  pool.on('connect', (client) => {
    const { query } = client
    Object.assign(client, {
      query: (statement: unknown, ...more: unknown[]) => {
        seen.push([textOf(statement), typeof more.at(-1) === 'function'])
        return Reflect.apply(query, client, [statement, ...more])
      }
    })
  })
  await pool.query('select 1')
  await pool.query({ text: 'select $1::int', values: [2] })
  const client = await pool.connect()
  await client.query('select 3')
  client.release()
  t.same(seen, [
    ['select 1', true],
    ['select $1::int', true],
    ['select 3', false]
  ])
})

// src/database/commits.ts: the result is held back until the invalidation is done, so all notices must come before it.
t.test('a notice is emitted before the result of its statement, which comes by promise or callback', async (t) => {
  const client = await openClient(t)
  const order: string[] = []
  client.on('notice', ({ message }) => order.push(String(message)))
  await client.query(NOTICE)
  order.push('promise')
  await new Promise((resolve) => client.query(NOTICE, resolve))
  order.push('callback')
  t.same(order, ['heard', 'promise', 'heard', 'callback'])
})

// src/database/commits.ts finds out in this way that a transaction is over, and whether it was committed.
t.test('the transaction status is up to date with each result; a failed COMMIT is answered by ROLLBACK', async (t) => {
  const client = await openClient(t)
  t.equal(client.getTransactionStatus(), 'I')
  await client.query('BEGIN')
  t.equal(client.getTransactionStatus(), 'T')
  t.equal((await client.query('COMMIT')).command, 'COMMIT')
  t.equal(client.getTransactionStatus(), 'I')
  await client.query('BEGIN')
  const error = await client.query('select 1 / 0').catch((error: unknown) => error)
  t.ok(error instanceof pg.DatabaseError)
  t.equal((await client.query('COMMIT')).command, 'ROLLBACK')
  t.equal(client.getTransactionStatus(), 'I')
})

// src/database/commits.ts discards the tags of a failed transaction only at the next statement, because an error comes
// before the status is known.
t.test('the callback of a failed statement is called before the transaction status has changed', async (t) => {
  const client = await openClient(t)
  await client.query('BEGIN')
  const status = await new Promise((resolve) => {
    client.query('select 1 / 0', () => resolve(client.getTransactionStatus()))
  })
  t.equal(status, 'T', 'if it is E, commits.ts need not check again at the next statement')
  await client.query('ROLLBACK')
})

// src/database/commits.ts, signed: the triggers find the comment in current_query().
t.test('current_query() includes a comment at the beginning of a statement, with parameters too', async (t) => {
  const client = await openClient(t)
  for (const values of [[], [1]]) {
    const text = `/* signed */ select current_query() as text${values.length > 0 ? ', $1::int' : ''}`
    const { rows } = await client.query({ text, values })
    t.match(rows[0].text, /^\/\* signed \*\/ select/)
  }
})

// src/database/pool.ts, createPool: the time zone of a session is set before any other statement runs.
t.test('onConnect is awaited before a client is handed out', async (t) => {
  const pool = openPool(t, {
    onConnect: async (client) => {
      await client.query(`set time zone 'Asia/Tokyo'`)
    }
  })
  const { rows } = await pool.query('show time zone')
  t.equal(rows[0].TimeZone, 'Asia/Tokyo')
})

// src/database/pool.ts, createPool: a client that is connected to a standby is ended when it is released.
t.test('a pool emits "release" with the client, and removes the client if a listener ends it', async (t) => {
  const pool = openPool(t)
  pool.on('release', (_error, client) => void client.end())
  await pool.query('select 1')
  t.equal(pool.totalCount, 0)
  t.equal(pool.idleCount, 0)
})

// src/database/pool.ts, discardIdle: it connects as often as there are idle clients, to get and remove all of them.
t.test('connect() hands out an idle client if there is one, and release(true) removes it', async (t) => {
  const pool = openPool(t)
  const clients = await Promise.all([pool.connect(), pool.connect()])
  for (const client of clients) client.release()
  t.equal(pool.idleCount, 2)
  const again = await Promise.all([pool.connect(), pool.connect()])
  t.same(new Set(again), new Set(clients))
  for (const client of again) client.release(true)
  t.equal(pool.totalCount, 0)
})

// src/database/notifications.ts, #connected, reconnects after "end".
t.test('a connection that the server ends emits "error", and then "end"', async (t) => {
  const [client, other] = [await openClient(t), await openClient(t)]
  const { rows } = await client.query('select pg_backend_pid() as pid')
  const events: string[] = []
  client.on('error', () => events.push('error'))
  const ended = new Promise<void>((resolve) => client.once('end', resolve)).then(() => events.push('end'))
  await other.query('select pg_terminate_backend($1)', [rows[0].pid])
  await ended
  t.equal(events.at(-1), 'end')
  t.ok(events.includes('error'))
})

// src/database/unavailable.ts, FULL_MESSAGE and LOST_MESSAGES: errors of the driver have no code, only a message.
t.test('the messages for lost connections and full pools are those in unavailable.ts', async (t) => {
  const [client, other] = [await openClient(t), await openClient(t)]
  const { rows } = await client.query('select pg_backend_pid() as pid')
  const asked = client.query('select pg_sleep(10)')
  await Promise.all([
    other.query('select pg_terminate_backend($1)', [rows[0].pid]),
    t.rejects(asked, { code: '57P01' }, 'PostgreSQL says why before it closes')
  ])
  await client.end()
  await t.rejects(client.query('select 1'), /Client was closed|Client has encountered a connection error/)

  const left = other.query('select pg_sleep(10)').catch((error: Error) => error.message)
  other.connection.stream.destroy()
  t.match(await left, /^Connection terminated/)

  const pool = openPool(t, { max: 1, connectionTimeoutMillis: 50 })
  const taken = await pool.connect()
  await t.rejects(pool.connect(), { message: 'timeout exceeded when trying to connect' })
  taken.release()

  const refused = new pg.Client({ host: '127.0.0.1', port: await freePort() })
  await t.rejects(refused.connect(), { code: 'ECONNREFUSED' })
})

// src/database/schema-engine.ts and postgres.ts, inSession: a migration and the record of it are one transaction.
t.test('a script of several statements is one transaction, even with semicolons inside a function', async (t) => {
  const client = await openClient(t)
  const half = 'create table half (); select 1 / 0'
  await t.rejects(client.query(half), { code: '22012' })
  await t.rejects(client.query('select from half'), { code: '42P01' }, 'nothing of it is left')
  await client.query(
    `create function whole() returns int language plpgsql as $$ begin return 1; end; $$; select whole()`
  )
})

function textOf(statement: unknown): unknown {
  return typeof statement === 'object' && statement !== null && 'text' in statement ? statement.text : statement
}
