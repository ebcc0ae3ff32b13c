import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { connectRedis, mastersOf, type RedisClient } from '#redis/connect.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { PostgresServer } from '../support/postgres.ts'
import { findPostgres } from '../support/postgres-tools.ts'
import { runScript } from '../support/script.ts'
import { temporaryFolder } from '../support/service.ts'
import { startCluster, startSentinel, startSeparate, startTls, type Topology } from '../support/topologies.ts'

const PASSWORD = 'password'
const SESSIONS = 1200
const TTL_MS = 600_000
const key = (id: string) => `aikademiya:session:${id}`

const tools = findPostgres()
if (tools === undefined) throw new Error('no PostgreSQL of the system: test/support/ensure-servers.ts installs it')
const postgres = await PostgresServer.startSystem(tools, PASSWORD)
t.teardown(() => postgres.stop())
const DATABASE_URL = await postgres.createDatabase()
const base = { PATH: `${tools}:${process.env.PATH}`, DATABASE_URL }
t.equal((await runScript('src/cli/migrate.ts', base)).code, 0)

const topologies: [string, (t: Test) => Promise<Topology>][] = [
  ['Sentinel', startSentinel],
  ['a cluster', startCluster],
  ['TLS and an ACL', startTls],
  ['a separate server for sessions', startSeparate]
]
for (const [name, start] of topologies) {
  await t.test(`backup and restore with ${name}`, async (t) => {
    const topology = await start(t)
    const env = { ...base, REDIS_URL: topology.url, ...topology.env }
    const redis = connectRedis(topology.env?.REDIS_SESSION_URL ?? topology.url)
    t.teardown(() => closeRedis(redis))
    redis.on('error', () => {})
    while (redis.status !== 'ready') await sleep(20)
    const ids = Array.from({ length: SESSIONS }, () => randomUUID()).sort()
    await Promise.all(ids.map((id) => redis.set(key(id), `text of ${id}`, 'PX', TTL_MS)))
    await redis.lpush('aikademiya:session:no-text', 'x')

    const folder = join(await temporaryFolder(t), 'backup')
    const made = await runScript('src/cli/backup.ts', env, folder)
    t.match(made, { code: 0, stderr: '', stdout: new RegExp(`Redis: ${SESSIONS} sessions saved`) })

    await Promise.all(ids.map((id) => redis.unlink(key(id))))
    await redis.set(key('begun-after-the-backup'), 'x', 'PX', TTL_MS)
    const restored = await runScript('src/cli/restore.ts', env, folder)
    t.match(restored, { code: 0, stdout: new RegExp(`Redis: ${SESSIONS} of ${SESSIONS} sessions restored`) })
    t.strictSame(await sessionsIn(redis), ids)
    t.equal(await redis.get(key(ids[0] ?? '')), `text of ${ids[0]}`)
    const ttl = await redis.pttl(key(ids[0] ?? ''))
    t.ok(ttl > 0 && ttl <= TTL_MS, 'the TTL is not extended')

    const { killMasterOf } = topology
    if (killMasterOf === undefined) return
    await killMasterOf(key(ids[0] ?? ''))
    const again = await runScript('src/cli/backup.ts', env, `${folder}-2`)
    t.match(
      again,
      { code: 0, stdout: new RegExp(`Redis: ${SESSIONS} sessions saved`) },
      'while a master is being replaced'
    )
  })
}

async function sessionsIn(redis: RedisClient): Promise<string[]> {
  const found = await Promise.all(
    mastersOf(redis).map(async (master) => (await master.scan('0', 'MATCH', key('*'), 'COUNT', 100_000))[1])
  )
  return found
    .flat()
    .map((name) => name.slice(key('').length))
    .sort()
}
