import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { Test } from 'tap'
import { peopleEnvironment } from './actors.ts'
import { PostgresServer } from './postgres.ts'
import { findPostgres } from './postgres-tools.ts'
import { RedisServer } from './redis.ts'
import { run } from './server-process.ts'
import { temporaryFolder } from './service.ts'

/**
 * PostgreSQL and Redis with passwords, and what the service needs to run on them: a database whose owner has no other
 * rights, and the Redis users that the documentation names.
 */
export async function startServers(t: Test, password: string, prefix: string) {
  const tools = findPostgres()
  if (tools === undefined) throw new Error('no PostgreSQL of the system: test/support/ensure-servers.ts installs it')
  const postgres = await PostgresServer.startSystem(tools, password)
  t.teardown(() => postgres.stop())
  const strangers = new pg.Client(await postgres.createDatabase())
  await strangers.connect()
  t.teardown(() => strangers.end())
  await strangers.query(`create role aikademiya login password '${password}'`)
  await strangers.query('create database aikademiya owner aikademiya')
  const DATABASE_URL = `postgresql://aikademiya@127.0.0.1:${postgres.port}/aikademiya`
  const withPassword = DATABASE_URL.replace('@', `:${encodeURIComponent(password)}@`)
  const database = new pg.Pool({ connectionString: withPassword, max: 1 })
  t.teardown(() => database.end())

  // The users of docs/configuration.md and docs/backup.md, and one for the test itself.
  const users = {
    default: 'off',
    admin: `on >${password} ~* &* +@all`,
    api: `on >${password} ~${prefix}:* &${prefix}:* +@all -@dangerous +info +slowlog`,
    backup: `on >${password} ~${prefix}:session:* +scan +get +pttl +ping +info`
  }
  const acl = Object.entries(users).flatMap(([name, rights]) => ['--user', name, ...rights.split(' ')])
  const redis = await RedisServer.start(...acl)
  t.teardown(() => redis.stop())
  const keys = new Redis(redis.url, { username: 'admin', password: password })
  keys.on('error', () => {})
  t.teardown(() => keys.disconnect())

  const env = {
    ...peopleEnvironment,
    PATH: `${tools}:${process.env.PATH}`,
    DATABASE_URL,
    PGPASSWORD: password,
    REDIS_URL: `${redis.url.replace('://', '://api@')}/`,
    REDIS_PASSWORD: password,
    REDIS_KEY_PREFIX: prefix,
    SESSION_SECRET: 'the secret of the tests is long enough'
  }
  return { tools, postgres, strangers, database, withPassword, redis, keys, env }
}

/** Rewrites the checksums of a backup, as if its content had been wrong from the beginning. */
export async function resealed(backup: string): Promise<void> {
  const { stdout } = await run('sha256sum', ['backup.json', 'postgres.dump', 'sessions.jsonl'], { cwd: backup })
  await writeFile(join(backup, 'SHA256SUMS'), stdout)
}

/** A PATH on which the tool is replaced by a shell script of one line. */
export async function withTool(t: Test, name: string, line: string, path: string): Promise<string> {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, name), `#!/bin/sh\n${line}\n`)
  await chmod(join(folder, name), 0o755)
  return `${folder}:${path}`
}

/** A dump of `test_1`, a database of another application. */
export async function dumpWith(tools: string, port: number, password: string, folder: string): Promise<Buffer> {
  const file = join(folder, 'strangers.dump')
  const url = `postgresql://postgres@127.0.0.1:${port}/test_1`
  const dumped = await run(join(tools, 'pg_dump'), ['-Fc', '-f', file, url], { env: { PGPASSWORD: password } })
  if (dumped.code !== 0) throw new Error(dumped.stderr)
  return readFile(file)
}

/** Every table with its number of rows, and titles of courses. */
export async function contentsOf(database: pg.Pool): Promise<unknown> {
  const { rows } = await database.query(`
    select schemaname || '.' || relname as name,
      (xpath('/row/n/text()', query_to_xml(format('select count(*) n from %I.%I', schemaname, relname), false, true, '')))[1]::text as rows
    from pg_stat_user_tables order by 1`)
  const courses = await database.query('select id, title from course order by id')
  return { tables: rows, courses: courses.rows }
}

/** The arguments of all processes. */
export async function commands(): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))
}

/** The bytes with a text replaced by one of the same length. */
export function replaced(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1')
}
