import { copyFile, cp, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { Actor, register } from '../support/actors.ts'
import { commands, contentsOf, dumpWith, replaced, resealed, startServers, withTool } from '../support/backups.ts'
import { until } from '../support/eventually.ts'
import { ROOT, runScript } from '../support/script.ts'
import { inherited, ownNode, run, startServer } from '../support/server-process.ts'
import { spawnService, temporaryFolder } from '../support/service.ts'

/** Must be encoded in a URL, but not in PGPASSWORD and REDIS_PASSWORD. */
const PASSWORD = 'p@ss/w:rd#1'
const PREFIX = 'restored'
const BACKUP = 'src/cli/backup.ts'
const RESTORE = 'src/cli/restore.ts'
const RESTORING = `select count(*)::int from pg_stat_activity where datname = 'aikademiya' and application_name = 'psql'`
const WAITING = `${RESTORING} and wait_event_type = 'Lock'`

const { tools, postgres, strangers, database, withPassword, redis, keys, env } = await startServers(t, PASSWORD, PREFIX)
const folder = await temporaryFolder(t)
const backup = join(folder, 'backup')
let session = ''

t.test('a backup is taken while the service runs, with passwords from PGPASSWORD and REDIS_PASSWORD', async (t) => {
  const service = await spawnService({ ...env, SEED: 'demo' })
  t.teardown(() => service.kill('SIGKILL'))
  const ready = { status: 'ok', checks: { database: 'up', redis: 'up', queue: 'up' } }
  t.match(await (await fetch(`${service.url}/health/ready`)).json(), ready)
  const ann = await register(service.url, 'ann')
  session = ann.cookie
  await ann.get('/api/v1/courses/1')
  t.ok(await keys.exists(`${PREFIX}:course:1`), 'something is cached')

  const made = await run(join(ROOT, 'ops', 'backup.sh'), [backup], { env, cwd: folder })
  t.equal(made.code, 0, made.stderr)
  t.match(made.stdout, /^PostgreSQL: dumped and verified, \d\d tables\nbackup: /m)
  const checked = await run('sha256sum', ['-c', 'SHA256SUMS'], { cwd: backup })
  t.equal(checked.stdout, 'backup.json: OK\npostgres.dump: OK\nsessions.jsonl: OK\n')
  t.equal((await stat(backup)).mode & 0o777, 0o700, 'no other user may read it')
  t.equal((await stat(join(backup, 'postgres.dump'))).mode & 0o777, 0o600)
  t.match(await ops(BACKUP, backup), { code: 1, stderr: /exists already/ })

  const before = await contents()
  const refused = await ops(RESTORE, backup)
  t.equal(refused.code, 1, 'a restore is refused while the service runs')
  t.match(
    refused.stderr,
    /^the service is running: \d+ connections to the database, api \d+ on \S+ in Redis\. Stop the API/
  )
  t.match(refused.stderr, /nothing was changed\n$/)
  t.strictSame(await contents(), before)
  t.ok(await keys.exists(`${PREFIX}:course:1`))
  t.equal(await service.kill('SIGTERM'), 0)
})

t.test('a backup that cannot be taken says why, and leaves nothing behind', async (t) => {
  const before = await readdir(folder)
  const taken = (more: Record<string, string>) => runScript(BACKUP, { ...env, ...more }, join(folder, 'none'))
  const oldTool = await withTool(t, 'pg_dump', 'echo "pg_dump (PostgreSQL) 9.6.24"', env.PATH)
  const failingTool = await withTool(t, 'pg_restore', 'echo "error: input file is too short" >&2; exit 1', env.PATH)
  const failed = { code: 1, stdout: '' }
  t.match(await taken({ PATH: oldTool }), {
    ...failed,
    stderr: /pg_dump is version 9, .* install postgresql-client-\d+/
  })
  t.match(await taken({ PATH: failingTool }), { code: 1, stderr: /input file is too short/ })
  t.match(await taken({ PGPASSWORD: 'wrong' }), {
    ...failed,
    stderr: /password authentication failed.*check DATABASE_URL/
  })
  t.match(await taken({ REDIS_PASSWORD: 'wrong' }), { code: 1, stderr: /WRONGPASS.*check BACKUP_REDIS_URL/ })
  t.match(await taken({ DATABASE_URL: '' }), { ...failed, stderr: /copy the folder \.data/ })
  const elsewhere = env.DATABASE_URL.replace(/\w+$/, 'postgres')
  t.match(await taken({ DATABASE_URL: elsewhere }), {
    ...failed,
    stderr: /no tables of the service: check DATABASE_URL/
  })
  t.strictSame(await readdir(folder), before)
})

t.test('wrong arguments exit with code 2', async (t) => {
  const wrong: [string, string[], RegExp][] = [
    [BACKUP, ['a', '--into', 'b'], /give one folder/],
    [BACKUP, ['--into', 'b', '--keep', '0'], /--keep must be between 1/],
    [RESTORE, ['a', 'b'], /give one folder/]
  ]
  for (const [script, args, message] of wrong) t.match(await ops(script, ...args), { code: 2, stderr: message })
})

t.test('read-only users can take a backup; with --keep, only the newest backups remain', async (t) => {
  const into = join(folder, 'kept')
  for (const name of ['2020-01-01T00-00-00Z', '2021-01-01T00-00-00Z', 'by-hand'])
    await cp(backup, join(into, name), { recursive: true })
  await writeFile(join(into, '2022-01-01T00-00-00Z'), 'not a backup')
  await mkdir(join(into, '2020-01-02T00-00-00Z.unfinished'))
  await utimes(join(into, '2020-01-02T00-00-00Z.unfinished'), 0, 0)
  const BACKUP_REDIS_URL = redis.url.replace('://', `://backup:${encodeURIComponent(PASSWORD)}@`)
  await strangers.query(`create role backup login password '${PASSWORD}'; grant pg_read_all_data to backup`)
  const DATABASE_URL = env.DATABASE_URL.replace('aikademiya@', 'backup@')
  const made = await runScript(BACKUP, { ...env, DATABASE_URL, BACKUP_REDIS_URL }, '--into', into, '--keep', '2')
  t.match(made, {
    code: 0,
    stderr: '',
    stdout:
      /^Redis: 1 sessions saved\n(.*\n)+removed: 2020-01-01T00-00-00Z\nremoved: 2020-01-02T00-00-00Z.unfinished\n$/
  })
  const [, , now = '', ...rest] = (await readdir(into)).sort()
  t.match(now, /^20\d\d-\d\d-\d\dT\d\d-\d\d-\d\dZ$/)
  t.strictSame((await readdir(into)).sort().slice(0, 2), ['2021-01-01T00-00-00Z', '2022-01-01T00-00-00Z'])
  t.strictSame(rest, ['by-hand'], 'folders with other names stay')
})

t.test('a password in a URL is never in the arguments of a command, which other users could read', async (t) => {
  const REDIS_URL = env.REDIS_URL.replace('@', `:${encodeURIComponent(PASSWORD)}@`)
  const urls = { DATABASE_URL: withPassword, REDIS_URL, PGPASSWORD: '', REDIS_PASSWORD: '' }
  let ended = false
  const made = runScript(BACKUP, { ...env, ...urls }, join(folder, 'by-url')).finally(() => {
    ended = true
  })
  const seen = new Set<string>()
  while (!ended) {
    for (const command of await commands()) seen.add(command)
    await sleep(5)
  }
  t.equal((await made).code, 0, (await made).stderr)
  t.ok([...seen].some((command) => command.includes('pg_dump')))
  const secret = [PASSWORD, encodeURIComponent(PASSWORD)]
  const leaking = [...seen].filter((command) => secret.some((text) => command.includes(text)))
  t.strictSame(
    // The test itself starts Redis with the password.
    leaking.filter((command) => !command.startsWith('redis-server')),
    []
  )
  t.notMatch((await made).stdout, PASSWORD)
})

t.test('a restore of an unusable backup changes nothing', async (t) => {
  const whole = await readFile(join(backup, 'postgres.dump'))
  const { rows } = await database.query('show server_version')
  const version: string = rows[0].server_version.slice(0, 5)
  await strangers.query('create schema strangers; create table strangers.things (id int)')
  await database.query('create schema strangers')
  await keys.set(`${PREFIX}:store`, 'the database that this Redis caches')
  const before = await contents()

  const newerFormat = Buffer.from(whole)
  newerFormat[6] = 99
  const dumps: [string, Buffer, RegExp][] = [
    ['not a dump', Buffer.from('drop table courses;\n'), /cannot be read: .*valid archive.*; take another backup/],
    ['only the first bytes of the dump', whole.subarray(0, 500), /cannot be read: .*end of file; take another backup/],
    [
      'only the first half of the dump',
      whole.subarray(0, whole.length / 2),
      /could not (read|find)|unexpected end of file/
    ],
    ['a dump without its end', whole.subarray(0, -300), /could not (read|find)|unexpected end of file/],
    [
      'a dump of a newer server',
      replaced(whole, version, `99${version.slice(2)}`),
      /from PostgreSQL 99, but the server is/
    ],
    [
      'a dump by a newer pg_dump',
      newerFormat,
      /unsupported version.*install the version of the PostgreSQL client that wrote it/
    ],
    ['a dump of another database', await dumpWith(tools, postgres.port, PASSWORD, folder), /"strangers" already exists/]
  ]
  const broken = await temporaryFolder(t)
  await cp(backup, broken, { recursive: true })
  const refuses = async (what: string, message: RegExp, args: string[] = []) => {
    const restored = await ops(RESTORE, broken, ...args)
    t.equal(restored.code, 1, what)
    t.match(restored.stderr, message, what)
    t.match(restored.stderr, /nothing was changed\n$/, what)
    t.strictSame(await contents(), before, `${what}: the database is unchanged`)
    t.ok(await keys.exists(`${PREFIX}:store`), `${what}: Redis is unchanged`)
  }
  for (const [what, dump, message] of dumps) {
    await writeFile(join(broken, 'postgres.dump'), dump)
    if (what === 'a dump without its end') await refuses('a changed file', /postgres.dump .*its checksum is wrong/)
    await resealed(broken)
    await refuses(what, message)
  }
  await copyFile(join(backup, 'postgres.dump'), join(broken, 'postgres.dump'))
  await writeFile(join(broken, 'sessions.jsonl'), '{"id":"x"}\n')
  await resealed(broken)
  await refuses('an invalid file of sessions', /the file of sessions has an invalid line/)
  await rm(join(broken, 'sessions.jsonl'))
  await refuses('a missing file', /sessions.jsonl .* is missing/, ['--force'])
  await rm(join(broken, 'backup.json'))
  t.match(await ops(RESTORE, broken), { code: 1, stderr: /is not a backup: it has no valid backup.json/ })
  await database.query('drop schema strangers')
})

t.test('a Redis that refuses writes is detected before anything is changed', async (t) => {
  const before = await contents()
  await keys.config('SET', 'min-replicas-to-write', '1')
  t.match(await ops(RESTORE, backup), {
    code: 1,
    stderr: /Redis does not accept sessions: NOREPLICAS.*\nnothing was changed\n$/
  })
  await keys.config('SET', 'min-replicas-to-write', '0')
  t.strictSame(await contents(), before)
})

t.test('a restore that is killed half-way changes nothing', async (t) => {
  const before = await contents()
  const reader = await database.connect()
  await reader.query('begin; lock table course in access share mode')
  const [node, ...options] = ownNode
  const started = [...options, RESTORE, backup]
  const restoring = await startServer(node, started, /replacing all data/, { cwd: ROOT, env: { ...inherited, ...env } })
  await until(async () => (await strangers.query(WAITING)).rows[0].count > 0, 10_000)
  await restoring.kill('SIGKILL')
  await reader.query('rollback')
  reader.release()
  await until(async () => (await strangers.query(RESTORING)).rows[0].count === 0, 10_000)
  t.strictSame(await contents(), before)
})

for (const force of [false, true]) {
  t.test(`a backup is restored${force ? ', with --force even while the service is connected' : ''}`, async (t) => {
    await database.query(`update course set title = 'Written after the backup' where id = 1`)
    await database.query('create table written_after_the_backup ()')
    await keys.set(`${PREFIX}:session:begun-after-the-backup`, 'x', 'PX', 60_000)
    await keys.set(`${PREFIX}:course:1`, 'x')
    await keys.set(`${PREFIX}:limit:x`, '1')
    const left = new pg.Client({ connectionString: withPassword, application_name: 'ai-akademiya-api' })
    if (force) {
      await left.connect()
      t.teardown(() => left.end())
      t.match(await ops(RESTORE, backup), { code: 1, stderr: /1 connections to the database\. Stop .*--force/ })
    }
    const id = await databaseId()
    const restored = await ops(RESTORE, backup, ...(force ? ['--force'] : []))
    t.equal(restored.code, 0, restored.stderr)
    t.match(restored.stdout, /^Redis: 1 of 1 sessions restored.*\nRedis: \d+ keys of cached data cleared\nrestored: /m)
    t.not(await databaseId(), id, 'a Redis that caches the previous database does not match the restored one')
    t.notMatch(JSON.stringify(await contents()), 'written_after_the_backup')
    const names = (await keys.keys('*')).filter((key) => !/:(tag|board|probe|session-probe)\b/.test(key)).sort()
    t.match(
      names,
      [`${PREFIX}:limit:x`, /^restored:session:[^:]+$/],
      'sessions are restored, and cached data is cleared'
    )
    t.not(names[1], `${PREFIX}:session:begun-after-the-backup`)

    const service = await spawnService(env)
    t.teardown(() => service.kill('SIGKILL'))
    const ann = new Actor(service.url, session)
    t.equal((await ann.get('/api/v1/users/me')).status, 200, 'the user is still signed in')
    t.notMatch(await (await ann.get('/api/v1/courses/1')).text(), 'Written after the backup')
    t.equal(await service.kill('SIGTERM'), 0)
  })
}

t.test('a backup of the restored data has the same contents, and can be restored into an empty database', async (t) => {
  const again = join(folder, 'again')
  t.match(await ops(BACKUP, again), { code: 0, stdout: /Redis: 1 sessions saved/ })
  const before = await contents()
  await database.query('drop schema public, pgboss cascade; create schema public')
  const rehearsal = await runScript(RESTORE, { ...env, REDIS_URL: '' }, again)
  t.match(rehearsal, { code: 0, stderr: '', stdout: /Redis: none is configured, no sessions/ })
  t.strictSame(await contents(), before)
  await t.rejects(spawnService(env), /caches another database/, 'a start detects that the cache was not cleared')
})

const contents = () => contentsOf(database)

async function databaseId(): Promise<string> {
  return (await database.query('select database_id from cache_store')).rows[0].database_id
}

function ops(script: string, ...args: string[]) {
  return runScript(script, env, ...args)
}
