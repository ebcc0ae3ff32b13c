import t from 'tap'
import { peopleEnvironment, register } from '../support/actors.ts'
import { query } from '../support/database.ts'
import { PostgresServer } from '../support/postgres.ts'
import { copyRepository } from '../support/repository-copy.ts'
import { runScript, runScriptIn } from '../support/script.ts'
import { spawnService } from '../support/service.ts'

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())

/** The URL of a new database, and the environment for a service that uses it as a new role with these rights. */
async function roleWith(name: string, grants: (role: string) => string[]) {
  const databaseUrl = await postgres.createDatabase()
  for (const statement of [`create role ${name} login`, ...grants(name)]) await query(databaseUrl, statement)
  const own = new URL(databaseUrl)
  own.username = name
  return { databaseUrl, env: { ...peopleEnvironment, SEED: 'none', DATABASE_URL: own.href } }
}

async function start(env: Record<string, string>) {
  const service = await spawnService(env)
  t.teardown(() => service.kill('SIGKILL'))
  return service
}

const tables = (url: string, schema: string) =>
  query(url, `select tablename from pg_tables where schemaname = '${schema}'`).then((rows) => rows.length)

const ready = async (url: string) => JSON.parse(await (await fetch(`${url}/health/ready`)).text())

t.test('with a role that owns only one schema, all tables are created there', async (t) => {
  const { databaseUrl, env } = await roleWith('schema_owner', (role) => [
    `create schema app authorization ${role}`,
    `alter role ${role} set search_path = app`
  ])
  const { url, kill } = await start(env)
  t.match(await ready(url), { checks: { database: 'up', queue: 'up' } })
  await register(url, 'ann')
  t.ok((await tables(databaseUrl, 'app')) > 15, 'the tables of the service and of the queue')
  t.equal(await tables(databaseUrl, 'public'), 0)
  // A writer from outside may have another search path.
  await query(
    databaseUrl,
    `create role reporter login; grant usage on schema app to reporter; grant select, update on app.app_user to reporter;
     grant insert, select, update on app.cache_invalidation to reporter; grant usage on sequence app.cache_invalidation_id_seq to reporter`
  )
  const reporter = new URL(databaseUrl)
  reporter.username = 'reporter'
  await query(reporter.href, `update app.app_user set bio = 'by a reporter' where name = 'ann'`)
  const [touched] = await query(databaseUrl, 'select tag from app.cache_invalidation order by id desc limit 1')
  t.match(touched, { tag: /^user:\d+$/ })
  await kill('SIGTERM')
  t.ok(await start(env), 'it starts again')
})

t.test('a role that may not create schemas has its queue in the schema of its tables', async (t) => {
  const { databaseUrl, env } = await roleWith('no_schemas', (role) => [`grant create on schema public to ${role}`])
  const { url } = await start(env)
  t.match(await ready(url), { checks: { database: 'up', queue: 'up' } })
  t.equal(await tables(databaseUrl, 'pgboss'), 0)
})

t.test('with a role that may not create tables, a start fails with one line, before anything is written', async (t) => {
  const { databaseUrl, env } = await roleWith('no_tables', () => [])
  await t.rejects(start(env), {
    message: /^DATABASE_URL: .*role "no_tables" may not create tables in schema "public" of database .*grant create.*$/m
  })
  t.equal(await tables(databaseUrl, 'public'), 0)
})

t.test('with a role that may use no schema, a start fails and names the search_path', async (t) => {
  const { env } = await roleWith('no_schema', (role) => [`alter role ${role} set search_path = nowhere`])
  await t.rejects(start(env), {
    message: /role "no_schema" may use none of the schemas in its search_path \(nowhere\)/
  })
})

t.test('MIGRATE=none', async (t) => {
  const { databaseUrl, env } = await roleWith('runner', () => [])

  await t.test(
    'a start on a database that is not migrated fails with one line, which lists what is pending',
    async (t) => {
      await t.rejects(start({ ...env, MIGRATE: 'none' }), {
        message: /^DATABASE_URL: .*MIGRATE=none, and migrations are pending: 20261123000000_init, .*npm run migrate$/m
      })
      t.equal(await tables(databaseUrl, 'public'), 0)
    }
  )

  await t.test('a migration that fails is rolled back, and the message names it and quotes PostgreSQL', async (t) => {
    const file = 'prisma/migrations/20261127000900_sessions/migration.sql'
    const text = 'CREATE TABLE "user_session" ('
    const copy = await copyRepository([
      { file, text, becomes: `CREATE TABLE half_done (id int); SELECT 1 / 0; ${text}` }
    ])
    t.teardown(copy.remove)
    const { code, stderr } = await runScriptIn(copy.folder, 'src/cli/migrate.ts', { DATABASE_URL: databaseUrl })
    t.equal(code, 1)
    t.match(
      stderr,
      /^the migration 20261127000900_sessions failed and was rolled back; .*: division by zero \(SQLSTATE 22012\)\n$/
    )
    t.equal((await query(databaseUrl, "select to_regclass('half_done') as there"))[0]?.there, null)
  })

  await t.test('a role without rights to migrate can run the service once the owner has migrated', async (t) => {
    const migrated = await runScript('src/cli/migrate.ts', { DATABASE_URL: databaseUrl })
    t.equal(migrated.code, 0, migrated.stderr)
    for (const schema of ['public', 'pgboss']) {
      await query(
        databaseUrl,
        `grant usage on schema ${schema} to runner;
         grant select, insert, update, delete on all tables in schema ${schema} to runner;
         grant usage on all sequences in schema ${schema} to runner`
      )
    }
    const { url } = await start({ ...env, MIGRATE: 'none' })
    t.match(await ready(url), { checks: { database: 'up', queue: 'up' } })
    await register(url, 'ben')
  })
})
