import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import { isPinned } from '../support/pinned.ts'
import { PostgresServer } from '../support/postgres.ts'

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
const url = await postgres.createDatabase()

async function connect(t: Test, timeZone: string) {
  const pool = new pg.Pool({
    connectionString: url,
    onConnect: async (client) => void (await client.query(`set time zone '${timeZone}'`))
  })
  t.teardown(() => pool.end())
  return new PrismaPg(pool).connect()
}

t.test('the adapter is pinned: src/database/{pool,scripts}.ts work around it', (t) => isPinned(t, '@prisma/adapter-pg'))

// src/database/pool.ts, UTC: this is why all our sessions use UTC.
t.test('it ignores offsets when it writes and reads timestamps, so they are correct only in UTC', async (t) => {
  const instant = '2026-01-02T03:04:05.678Z'
  for (const [zone, stored] of [
    ['UTC', instant],
    ['Asia/Tokyo', '2026-01-01T18:04:05.678Z']
  ] as const) {
    const connection = await connect(t, zone)
    const { rows } = await connection.queryRaw({
      sql: 'select (extract(epoch from $1::timestamptz) * 1000)::float8, $1::timestamptz',
      args: [instant],
      argTypes: [{ scalarType: 'datetime', dbType: 'TIMESTAMPTZ', arity: 'scalar' }]
    })
    const [ms, read] = rows[0] ?? []
    t.equal(
      new Date(Number(ms)).toISOString(),
      stored,
      'if it is correct in Tokyo too, pool.ts need not set a time zone'
    )
    t.equal(new Date(String(read)).toISOString(), instant, 'the offset is ignored by reads, too')
  }
})

// src/database/scripts.ts, runningScripts: this is why scripts bypass the adapter.
t.test('executeScript splits a function at its semicolons', async (t) => {
  const connection = await connect(t, 'UTC')
  const script = `create function canary() returns int language plpgsql as $$ begin return 1; end; $$;`
  await t.rejects(connection.executeScript(script), 'if it runs, PostgreSQL no longer needs runningScripts')
})
