import { verify } from '@node-rs/argon2'
import t from 'tap'
import { prepare, query } from '../support/database.ts'
import { PostgresServer } from '../support/postgres.ts'

const FIRST = 'first-password-of-the-admin'
const SECOND = 'second-password-of-the-admin'

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())

const users = (databaseUrl: string) =>
  query(databaseUrl, 'select id, email, name, role::text, password_hash as hash from app_user order by id')
const admins = (databaseUrl: string) => query(databaseUrl, `select email from app_user where role = 'admin'`)
const opens = (user: Record<string, unknown> | undefined, password: string) => verify(String(user?.hash), password)

t.test('ADMIN_EMAIL with ADMIN_PASSWORD', async (t) => {
  const DATABASE_URL = await postgres.createDatabase()
  const env = { DATABASE_URL, ADMIN_EMAIL: 'Boss@Example.com', ADMIN_PASSWORD: FIRST }
  const output = await prepare(env)
  const created = await users(DATABASE_URL)

  await t.test('creates the admin, whatever the case of the e-mail', async (t) => {
    t.equal(created.length, 1)
    t.match(created[0], { email: 'boss@example.com', role: 'admin' })
    t.ok(await opens(created[0], FIRST))
  })

  await t.test('keeps the password out of the database and the log', async (t) => {
    t.match(created[0]?.hash, /^\$argon2id\$/)
    t.notMatch(output, FIRST)
  })

  await t.test('changes nothing at a start with the same password', async (t) => {
    await prepare(env)
    t.strictSame(await users(DATABASE_URL), created)
  })

  await t.test('replaces the password of the admin when it has changed', async (t) => {
    const output = await prepare({ ...env, ADMIN_EMAIL: 'boss@example.com', ADMIN_PASSWORD: SECOND })
    const [boss, ...others] = await users(DATABASE_URL)
    t.strictSame(others, [])
    t.match(boss, { id: created[0]?.id, role: 'admin' })
    t.ok(await opens(boss, SECOND))
    t.notOk(await opens(boss, FIRST))
    t.notMatch(output, SECOND)
  })

  await t.test('leaves the admin unchanged when no longer set', async (t) => {
    const before = await users(DATABASE_URL)
    await prepare({ DATABASE_URL })
    t.strictSame(await users(DATABASE_URL), before)
  })
})

t.test('an existing account with that e-mail becomes the admin, and keeps its name', async (t) => {
  const DATABASE_URL = await postgres.createDatabase()
  await prepare({ DATABASE_URL })
  await query(DATABASE_URL, `insert into app_user (email, name, password_hash) values ('eve@example.com', 'Eve', '!')`)
  await prepare({ DATABASE_URL, ADMIN_EMAIL: 'eve@example.com', ADMIN_PASSWORD: FIRST })
  const [eve, ...others] = await users(DATABASE_URL)
  t.strictSame(others, [])
  t.match(eve, { name: 'Eve', role: 'admin' })
  t.ok(await opens(eve, FIRST))
})

t.test('with the demo catalogue, the configured admin is the only one', async (t) => {
  const DATABASE_URL = await postgres.createDatabase()
  const env = { DATABASE_URL, SEED: 'demo', ADMIN_EMAIL: 'boss@example.com', ADMIN_PASSWORD: FIRST }
  const output = await prepare(env)
  t.strictSame(await admins(DATABASE_URL), [{ email: 'boss@example.com' }])
  t.notMatch(output, 'shown this once')
})

t.test('if a start fails between the catalogue and its demo admin, the next start creates the admin', async (t) => {
  const DATABASE_URL = await postgres.createDatabase()
  await prepare({ DATABASE_URL })
  await query(DATABASE_URL, `alter table app_user add constraint broken check (role <> 'admin')`)
  await t.rejects(prepare({ DATABASE_URL, SEED: 'demo' }), /broken|constraint/)
  await query(DATABASE_URL, 'alter table app_user drop constraint broken')
  const output = await prepare({ DATABASE_URL, SEED: 'demo' })
  t.equal((await admins(DATABASE_URL)).length, 1, 'there is an admin')
  t.match(output, 'shown this once', 'and its password is printed')
})
