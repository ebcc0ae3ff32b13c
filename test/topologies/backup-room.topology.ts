import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { freeIn } from '#backup/database-state.ts'
import { PostgresServer } from '../support/postgres.ts'
import { findPostgres } from '../support/postgres-tools.ts'
import { runScript } from '../support/script.ts'
import { run } from '../support/server-process.ts'
import { temporaryFolder } from '../support/service.ts'

/** The user that PostgreSQL runs as if the tests run as root. */
const NOBODY = 65_534
const PASSWORD = 'password'

const folder = await temporaryFolder(t)
const [small, backups] = [join(folder, 'small'), join(folder, 'backups')]
// PostgreSQL runs as another user, which must be able to open it.
await chmod(folder, 0o755)
const reason = await mounted(small, '26m')
t.test('a full disk', reason === null ? {} : { skip: reason }, drill)

async function drill(t: Test): Promise<void> {
  const tools = findPostgres()
  if (tools === undefined) throw new Error('no PostgreSQL of the system: test/support/ensure-servers.ts installs it')
  const postgres = await PostgresServer.startSystem(tools, PASSWORD)
  t.teardown(() => postgres.stop())
  const admin = new pg.Client(await postgres.createDatabase())
  await admin.connect()
  t.teardown(() => admin.end())
  await admin.query(`create tablespace small location '${small}'`)
  await admin.query('create database small tablespace small')
  const DATABASE_URL = `postgresql://postgres:${PASSWORD}@127.0.0.1:${postgres.port}/small`
  const env = { PATH: `${tools}:${process.env.PATH}`, DATABASE_URL }
  t.equal((await runScript('src/cli/migrate.ts', env)).code, 0)
  const database = new pg.Client(DATABASE_URL)
  await database.connect()
  t.teardown(() => database.end())
  // 12 MB that hardly compress, in rows that are too small to be stored outside the table.
  const row = `(select string_agg(md5(n::text || i), '') from generate_series(1, 60) i)`
  await database.query(`create table much as select n, ${row} as text from generate_series(1, 6000) n`)
  const ops = (script: string, ...args: string[]) => runScript(`src/cli/${script}.ts`, env, ...args)

  await t.test('a backup for which there is no room is refused, or fails without a trace', async (t) => {
    t.equal(await mounted(backups, '10m'), null)
    const first = await ops('backup', '--into', backups)
    t.match(first, {
      code: 1,
      stderr: /has 10\.\d MB free, but a backup may take 1\d\.\d MB \(the size of the tables\)/
    })
    t.match(await ops('backup', '--force', '--into', backups), { code: 0, stderr: '' })
    const [name = '', ...others] = await readdir(backups)
    t.strictSame(others, [])
    const second = await ops('backup', '--into', backups, '--keep', '1')
    t.match(second, { code: 1, stderr: new RegExp(`1\\.5 times the size of ${name}.*--force`) })
    const failed = await ops('backup', '--force', '--into', backups, '--keep', '1')
    t.match(failed, { code: 1, stderr: /could not write to .*No space left on device/ })
    t.strictSame(await readdir(backups), [name], 'the previous backup stays, and nothing else is left behind')
  })

  await t.test(
    'a restore for which there is no room beside the current data is refused, or changes nothing',
    async (t) => {
      const [name = ''] = await readdir(backups)
      await database.query('create table written_after_the_backup ()')
      const there = async () => (await database.query('select count(*)::int, max(text) from much')).rows
      const before = await there()
      const free = await freeIn(small)
      const refused = await ops('restore', join(backups, name))
      t.match(refused, {
        code: 1,
        stderr: /^the disk of PostgreSQL has \d+\.\d MB free, but until the restore is done it needs 2\d\.\d MB/
      })
      t.match(refused.stderr, /--force\nnothing was changed\n$/)
      const failed = await ops('restore', '--force', join(backups, name))
      t.match(failed, { code: 1, stderr: /No space left on device.*\nnothing was changed\n$/s })
      t.strictSame(await there(), before)
      await database.query('table written_after_the_backup')
      await database.query('checkpoint')
      t.ok(free - (await freeIn(small)) < 6_000_000, 'the incomplete copy is removed')
    }
  )
}

/** Mounts a disk of this size at a new folder; resolves to null, or to the reason why that is impossible here. */
async function mounted(path: string, size: string): Promise<string | null> {
  await mkdir(path)
  if (process.getuid?.() !== 0) return 'mounting a small disk requires root'
  const options = `size=${size},uid=${NOBODY},gid=${NOBODY},mode=700`
  const { code, stderr } = await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path])
  if (code !== 0) return `no disk can be mounted here: ${stderr.split('\n')[0]}`
  t.teardown(() => run('umount', ['-l', path]))
  return null
}
