import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import pg from 'pg'
import t from 'tap'
import { Actor, peopleEnvironment, register } from '../support/actors.ts'
import { until } from '../support/eventually.ts'
import { PostgresServer } from '../support/postgres.ts'
import { findPostgres } from '../support/postgres-tools.ts'
import { RedisServer } from '../support/redis.ts'
import { ROOT } from '../support/script.ts'
import { run } from '../support/server-process.ts'
import { spawnService, temporaryFolder } from '../support/service.ts'

/** A URL would need it encoded; PGPASSWORD and REDIS_PASSWORD take it as it is. */
const PASSWORD = 'p@ss/w:rd#1'
const PREFIX = 'restored'
const START_MS = 60_000

const tools = findPostgres()
if (tools === undefined) throw new Error('no PostgreSQL of the system: test/support/ensure-servers.ts installs it')
const postgres = await PostgresServer.startSystem(tools, PASSWORD)
t.teardown(() => postgres.stop())
const strangers = new pg.Client(await postgres.createDatabase())
await strangers.connect()
t.teardown(() => strangers.end())
await strangers.query(`create role aikademiya login password '${PASSWORD}'`)
await strangers.query('create database aikademiya owner aikademiya')
const DATABASE_URL = `postgresql://aikademiya@127.0.0.1:${postgres.port}/aikademiya`
const database = new pg.Pool({
  connectionString: DATABASE_URL.replace('@', `:${encodeURIComponent(PASSWORD)}@`),
  max: 1
})
t.teardown(() => database.end())

const redis = await RedisServer.start('--requirepass', PASSWORD)
t.teardown(() => redis.stop())
const keys = new Redis(redis.url, { password: PASSWORD })
keys.on('error', () => {})
t.teardown(() => keys.disconnect())

const folder = await temporaryFolder(t)
const backup = join(folder, 'backup')
const scratch = join(folder, 'scratch')
const startRedis = join(folder, 'start-redis')
await mkdir(scratch)
const env = {
  ...peopleEnvironment,
  DATABASE_URL,
  PGPASSWORD: PASSWORD,
  REDIS_URL: redis.url,
  REDIS_PASSWORD: PASSWORD,
  REDIS_KEY_PREFIX: PREFIX,
  REDIS_START: `touch '${startRedis}'`,
  SESSION_SECRET: 'the secret of the tests is long enough'
}
let session = ''

t.test('a backup of what the service has, all of them with passwords that no URL holds', async (t) => {
  const service = await spawnService({ ...env, SEED: 'demo' })
  t.match(await (await fetch(`${service.url}/health/ready`)).json(), {
    status: 'ok',
    checks: { database: 'up', redis: 'up', queue: 'up' }
  })
  const ann = await register(service.url, 'ann')
  session = ann.cookie
  await ann.get('/api/v1/courses/1')
  t.equal(await service.kill('SIGTERM'), 0)
  await keys.set(`${PREFIX}:store`, 'the database that this Redis caches')
  t.ok(await keys.exists(`${PREFIX}:course:1`), 'something is cached')

  const made = await ops('backup.sh', backup)
  t.equal(made.code, 0, made.stderr)
  await database.query(`update course set title = 'Written after the backup' where id = 1`)
  await database.query('create schema strangers')
})

t.test('a password in a URL is in the arguments of no command, which every user of the machine can read', async (t) => {
  const encoded = encodeURIComponent(PASSWORD)
  const urls = {
    DATABASE_URL: DATABASE_URL.replace('@', `:${encoded}@`),
    REDIS_URL: redis.url.replace('://', `://default:${encoded}@`),
    PGPASSWORD: '',
    REDIS_PASSWORD: ''
  }
  const options = { env: { ...env, ...urls, PATH: path(), TMPDIR: scratch } }
  let ended = false
  const made = run(join(ROOT, 'ops', 'backup.sh'), [join(folder, 'by-url')], options).finally(() => {
    ended = true
  })
  const seen = new Set<string>()
  while (!ended) for (const command of await commands()) seen.add(command)
  t.equal((await made).code, 0, (await made).stderr)
  t.ok([...seen].some((command) => command.includes('pg_dump')))
  t.same(
    [...seen].filter((command) => command.includes(encoded) || command.includes(PASSWORD)),
    // That of the test itself.
    [...seen].filter((command) => command.includes('--requirepass'))
  )
})

/** The arguments of all processes. */
async function commands(): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))
}

t.test('a dump that cannot be restored changes nothing', async (t) => {
  const whole = await readFile(join(backup, 'postgres.dump'))
  const { rows } = await database.query('show server_version')
  const version: string = rows[0].server_version.slice(0, 5)
  await strangers.query('create schema strangers; create table strangers.things (id int)')
  const before = await contents()

  const dumps: [string, Buffer, RegExp][] = [
    ['no dump', Buffer.from('drop table courses;\n'), /pg_restore cannot read the dump; nothing was changed/],
    ['its first bytes', whole.subarray(0, 500), /pg_restore cannot read the dump; nothing was changed/],
    ['its first half', whole.subarray(0, whole.length / 2), /the dump is not whole; nothing was changed/],
    ['all but its end', whole.subarray(0, -300), /the dump is not whole; nothing was changed/],
    ['of a newer server', replaced(whole, version, `99${version.slice(2)}`), /of PostgreSQL 99, and the server is/],
    ['of another database', await dumpOfStrangers(), /schema "strangers" already exists/]
  ]
  for (const [what, dump, message] of dumps) {
    const broken = join(folder, 'broken')
    await cp(backup, broken, { recursive: true })
    await writeFile(join(broken, 'postgres.dump'), dump)
    const restored = await ops('restore.sh', broken)
    t.equal(restored.code, 1, what)
    t.match(restored.stderr, message, what)
    t.strictSame(await contents(), before, `${what}: the database is as it was`)
    t.ok(await keys.exists(`${PREFIX}:store`), `${what}: so is Redis`)
    t.strictSame(await readdir(scratch), [], `${what}: no copy of the data is left behind`)
    await rm(broken, { recursive: true })
  }
  await database.query('drop schema strangers')
})

for (const compose of [false, true]) {
  t.test(`a whole one is restored${compose ? ', with --compose' : ''}`, async (t) => {
    await database.query(`update course set title = 'Written after the backup' where id = 1`)
    const restored = await (compose ? composed('restore.sh', backup) : ops('restore.sh', backup))
    t.equal(restored.code, 0, restored.stderr)
    t.match(restored.stdout, /^restored: \d+ keys in Redis/m)
    const left = await keys.keys('*')
    t.ok(
      left.some((key) => key.startsWith(`${PREFIX}:session:`)),
      'sessions are restored'
    )
    const cached = left.filter((key) => /^restored:(course|user|api|generation|stats|tag|lock|store)\b/.test(key))
    t.strictSame(cached, [], 'nothing that was cached is')
    t.strictSame(await readdir(scratch), [], 'no copy of the data is left behind')

    const service = await spawnService(env)
    t.teardown(() => service.kill('SIGKILL'))
    const ann = new Actor(service.url, session)
    t.equal((await ann.get('/api/v1/users/me')).status, 200, 'who was signed in still is')
    t.notMatch(await (await ann.get('/api/v1/courses/1')).text(), 'Written after the backup')
    t.equal(await service.kill('SIGTERM'), 0)
  })
}

t.test('a backup of what was restored has the same', async (t) => {
  const again = join(folder, 'again')
  const made = await composed('backup.sh', again)
  t.equal(made.code, 0, made.stderr)
  const before = await contents()
  const restored = await ops('restore.sh', again)
  t.equal(restored.code, 0, restored.stderr)
  t.strictSame(await contents(), before)
})

/** Every table with its number of rows, and what the tests change. */
async function contents(): Promise<unknown> {
  const { rows } = await database.query(`
    select schemaname || '.' || relname as name,
      (xpath('/row/n/text()', query_to_xml(format('select count(*) n from %I.%I', schemaname, relname), false, true, '')))[1]::text as rows
    from pg_stat_user_tables order by 1`)
  const courses = await database.query('select id, title from course order by id')
  return { tables: rows, courses: courses.rows }
}

async function dumpOfStrangers(): Promise<Buffer> {
  const file = join(folder, 'strangers.dump')
  const url = `postgresql://postgres@127.0.0.1:${postgres.port}/test_1`
  const dumped = await run(join(tools ?? '', 'pg_dump'), ['-Fc', '-f', file, url], { env: { PGPASSWORD: PASSWORD } })
  if (dumped.code !== 0) throw new Error(dumped.stderr)
  return readFile(file)
}

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1')
}

/** Runs a script of ops/ as an operator does, and starts Redis when the script would have it started. */
async function ops(script: string, ...args: string[]) {
  return running(run(join(ROOT, 'ops', script), args, { env: { ...env, PATH: path(), TMPDIR: scratch } }))
}

/** The same with --compose: a stand-in for docker runs here what Compose would run in the containers. */
async function composed(script: string, ...args: string[]) {
  const bin = join(folder, 'bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'docker'), docker())
  await chmod(join(bin, 'docker'), 0o755)
  const inside = { PGHOST: '127.0.0.1', PGPORT: `${postgres.port}`, PGPASSWORD: PASSWORD, REDISCLI_AUTH: PASSWORD }
  const options = { env: { ...inside, REDIS_KEY_PREFIX: PREFIX, PATH: `${bin}:${path()}`, TMPDIR: scratch } }
  return running(run(join(ROOT, 'ops', script), ['--compose', ...args], options))
}

function docker(): string {
  return `#!/bin/sh -e
cli() { redis-cli -p ${redis.port} "$@"; }
case "$1 $2" in
  'compose exec') shift 4; if [ "$1" = redis-cli ]; then shift; cli "$@"; else exec "$@"; fi ;;
  'compose cp') exec cp -a "\${3#redis:}" "\${4#redis:}" ;;
  'compose stop') cli SHUTDOWN NOSAVE || true ;;
  'compose start') touch '${startRedis}' ;;
  # Whose the files are, only the container knows.
  'compose run') case "$*" in *chown*) ;; *) shift 8; exec sh "$@" ;; esac ;;
  *) echo "docker $*" >&2; exit 1 ;;
esac
`
}

async function running<T>(script: Promise<T>): Promise<T> {
  let ended = false
  const end = script.finally(() => {
    ended = true
  })
  await until(() => ended || existsSync(startRedis), START_MS)
  if (!ended) {
    await rm(startRedis)
    await redis.resume()
  }
  return end
}

function path(): string {
  return `${tools}:${process.env.PATH}`
}
