import { readdir } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { dump, query } from '../support/database.ts'
import { freePort } from '../support/port.ts'
import { PostgresServer } from '../support/postgres.ts'
import { lines, runScript } from '../support/script.ts'

const [migrate, seed] = ['src/cli/migrate.ts', 'src/cli/seed.ts'] as const
const MIGRATIONS = new URL('../../prisma/migrations/', import.meta.url)

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
const committed = (await readdir(MIGRATIONS)).filter((name) => /^\d/.test(name)).sort()

t.test('npm run migrate', async (t) => {
  const DATABASE_URL = await postgres.createDatabase()

  await t.test('applies and lists the migrations, and exits', async (t) => {
    const begin = performance.now()
    const { code, stdout, stderr } = await runScript(migrate, { DATABASE_URL })
    t.equal(code, 0)
    t.match(stdout, `applied: ${committed.join(', ')}\n`)
    t.strictSame(lines(stderr), [])
    const ms = performance.now() - begin
    t.ok(ms < 8000, `done after ${Math.round(ms)} ms: no connection delays the exit`)
  })

  await t.test('has nothing to apply the second time, and does not seed', async (t) => {
    const before = await dump(DATABASE_URL)
    const { code, stdout, stderr } = await runScript(migrate, { DATABASE_URL })
    t.equal(code, 0)
    t.strictSame([stdout, stderr], ['nothing to apply\n', ''])
    t.strictSame(await dump(DATABASE_URL), before)
    t.strictSame(await query(DATABASE_URL, 'select 1 from course union all select 1 from app_user'), [])
  })
})

t.test('npm run seed', async (t) => {
  const DATABASE_URL = await postgres.createDatabase()
  const { code, stdout } = await runScript(seed, { DATABASE_URL })
  const before = await dump(DATABASE_URL)

  await t.test('migrates and fills an empty database, and shows the password of its admin', async (t) => {
    t.equal(code, 0)
    t.match(stdout, /migrated.*shown this once: \S+@\S+ \/ \S{12,}\n.*seeded/s)
    t.match(await query(DATABASE_URL, 'select count(*)::int > 15 as filled from course'), [{ filled: true }])
    t.match(await query(DATABASE_URL, `select count(*)::int from app_user where role = 'admin'`), [{ count: 1 }])
  })

  await t.test('changes nothing the second time, and reports that', async (t) => {
    const { code, stdout, stderr } = await runScript(seed, { DATABASE_URL })
    t.equal(code, 0)
    t.match(stdout, /nothing seeded/)
    t.notMatch(stdout, 'shown this once')
    t.equal(stderr, '')
    t.strictSame(await dump(DATABASE_URL), before)
  })
})

t.test('a database that does not answer gives one line and exit code 1', async (t) => {
  const port = await freePort()
  for (const script of [migrate, seed]) {
    const env = { DATABASE_URL: `postgres://app:hunter2@127.0.0.1:${port}/academy` }
    t.match(await failure(t, script, env), new RegExp(`127\\.0\\.0\\.1:${port}`))
  }
})

t.test('a missing database or refused access gives one line and exit code 1', async (t) => {
  const url = new URL(await postgres.createDatabase())
  url.pathname = '/no_such_database'
  t.match(await failure(t, migrate, { DATABASE_URL: url.href }), 'no_such_database')
  url.username = 'nobody_here'
  t.match(await failure(t, seed, { DATABASE_URL: url.href }), 'nobody_here')
})

t.test('an invalid environment gives one line and exit code 1', async (t) => {
  t.match(await failure(t, migrate, { DATABASE_URL: 'mysql://app:hunter2@db/academy' }), /^DATABASE_URL/)
  t.match(await failure(t, seed, { PORT: 'many' }), /^PORT/)
})

/** The single line of a failed command. */
async function failure(t: Test, script: string, env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await runScript(script, env)
  t.equal(code, 1)
  t.equal(stdout, '')
  t.equal(lines(stderr).length, 1, stderr)
  t.notMatch(stderr, 'hunter2')
  return stderr
}
