import { readdir } from 'node:fs/promises'
import t from 'tap'
import { migrate, unknownMigrations } from '#database/migrate.ts'
import { applyMigrations, diffMigrations } from '#database/schema-engine.ts'
import { onBothDatabases } from '../support/both-databases.ts'
import { recordingLog } from '../support/recording-log.ts'

const MIGRATIONS = new URL('../../prisma/migrations/', import.meta.url)

/** What a trigger's function looks like: semicolons inside a body, a text and a comment. */
const SCRIPT = `
create table script_log (id int primary key, note text default 'a;b'); -- one; two
create function script_note() returns int language plpgsql as $$
begin
  insert into script_log (id) values (1);
  insert into script_log (id) values (2);
  return 2;
end $$;
select script_note();
`

const BREAKS_AT_THE_END = `
create table half_done (id int);
insert into half_done values (1);
select 1 / 0;
`

await onBothDatabases(t, async (t, database, kind) => {
  const { client, adapter } = database
  const folders = (await readdir(MIGRATIONS, { withFileTypes: true })).filter((entry) => entry.isDirectory())

  await t.test('every migration is applied completely and in order', async (t) => {
    const applied = await client.$queryRaw<{ name: string; finished: boolean }[]>`
      select migration_name as name, finished_at is not null and rolled_back_at is null as finished
      from _prisma_migrations order by started_at, name`
    const names = folders.map(({ name }) => name).sort()
    t.ok(names.length > 0)
    t.strictSame(
      applied,
      names.map((name) => ({ name, finished: true }))
    )
  })

  await t.test('migrations of a newer version are recognized', async (t) => {
    t.strictSame(await unknownMigrations(database), [])
    await client.$executeRaw`
      insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
      values ('newer', '', '20990101000000_newer', now(), now(), 1)`
    t.strictSame(await unknownMigrations(database), ['20990101000000_newer'])
    await client.$executeRaw`delete from _prisma_migrations where id = 'newer'`
  })

  await t.test('a second run has nothing to apply', async (t) => {
    const { log, written } = recordingLog()
    t.strictSame(await migrate(database, log), [])
    t.strictSame(await applyMigrations(adapter), [])
    t.equal(written(), '')
  })

  // The embedded database only, which is the shadow database of `npm run migration:create`.
  if (kind === 'embedded') {
    await t.test('the migrations produce the schema in schema.prisma', async (t) => {
      t.equal(await diffMigrations(adapter), '')
    })
  }

  await t.test('a migration may create functions with semicolons in their body', async (t) => {
    const connection = await adapter.connect()
    await connection.executeScript(SCRIPT).finally(() => connection.dispose())
    t.equal(await client.$queryRaw`select 1 from script_log where note = 'a;b'`.then(count), 2)
  })

  await t.test('a failed migration leaves nothing behind', async (t) => {
    const connection = await adapter.connect()
    await t.rejects(
      connection.executeScript(BREAKS_AT_THE_END).finally(() => connection.dispose()),
      'it says so'
    )
    t.equal(await client.$queryRaw`select 1 from pg_class where relname = 'half_done'`.then(count), 0)
  })
})

function count(rows: unknown): number {
  return Array.isArray(rows) ? rows.length : Number.NaN
}
