/**
 * `npm run check:hostile`: runs one attack after the other, none with special rights, against a service on PostgreSQL
 * with 100,000 courses and Redis, while a visitor reads. Exits with 1 if a bound was exceeded. `--only "part of a
 * name"` selects some.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ADMIN } from '../../support/actors.ts'
import { insertCourses } from '../../support/many-courses.ts'
import { PostgresServer } from '../../support/postgres.ts'
import { RedisServer } from '../../support/redis.ts'
import { run } from '../../support/server-process.ts'
import { script, spawnService } from '../../support/service.ts'
import { table } from '../coherence/report.ts'
import { Owned } from '../faults/owned.ts'
import type { Attack, Target } from './attack.ts'
import { Visitor } from './visitor.ts'
import { Watch } from './watch.ts'

const COURSES = 100_000
const MAX_MEMORY_MIB = 600
const MAX_HEALTH_MS = 200
const MAX_READ_MS = 1000
/** How long the service is watched after each attack. */
const AFTERMATH_MS = 3000
const WARM_UP_MS = 5000

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } })
const folder = join(import.meta.dirname, 'attacks')
const attacks: { file: string; attack: Attack }[] = []
for (const file of (await readdir(folder)).sort()) {
  const { attack }: { attack: Attack } = await import(join(folder, file))
  if (attack.name.includes(values.only)) attacks.push({ file, attack })
}
if (attacks.length === 0) {
  console.error(`no attack has a name that contains ${JSON.stringify(values.only)}`)
  process.exit(2)
}

const owned = new Owned()
const rows = [
  ['attack', 'what the attacker got', 'MiB', 'files', 'health ms', 'not ready', 'reads', 'failed', 'slowest ms']
]
const broken: string[] = []
try {
  const target = await start()
  const watch = new Watch(target.url, target.pid)
  const visitor = new Visitor(target.url)
  await sleep(WARM_UP_MS)
  for (const { file, attack } of attacks) {
    console.error(attack.name)
    watch.take()
    visitor.take()
    const options = { timeout: (attack.seconds + 30) * 1000 }
    const script = join(import.meta.dirname, 'run-attack.ts')
    const { code, stdout, stderr } = await run(process.execPath, [script, file, JSON.stringify(target)], options)
    await sleep(AFTERMATH_MS)
    const { maxMemoryMiB, maxDescriptors, slowestHealthMs, notReady } = watch.take()
    const { reads, failed, slowestMs, slowestPath, firstFailure } = visitor.take()
    const got = stdout.trim() || stderr.trim().split('\n').at(-1) || 'it timed out'
    const numbers = [maxMemoryMiB, maxDescriptors, slowestHealthMs, notReady, reads, failed, slowestMs]
    rows.push([attack.name, got, ...numbers.map((number) => String(Math.round(number)))])
    const judge = (holds: boolean, what: string) => holds || broken.push(`${attack.name}: ${what}`)
    judge(code === 0, got)
    judge(maxMemoryMiB > 0 && maxMemoryMiB <= MAX_MEMORY_MIB, `the service used ${Math.round(maxMemoryMiB)} MiB`)
    judge(slowestHealthMs < MAX_HEALTH_MS, `health took ${Math.round(slowestHealthMs)} ms`)
    judge(notReady === 0, `not ready ${notReady} times`)
    judge(reads > 0 && failed === 0, `${failed} of ${reads} reads failed: ${firstFailure}`)
    judge(slowestMs < MAX_READ_MS, `${slowestPath} took ${Math.round(slowestMs)} ms`)
  }
  watch.stop()
  visitor.stop()
} finally {
  await owned.end()
}
console.log(table(rows))
console.log(broken.length === 0 ? 'every bound held' : `BROKEN: ${broken.join('; ')}`)
process.exit(broken.length === 0 ? 0 : 1)

/** As operators run it: in production, with the default limits. */
async function start(): Promise<Target> {
  const redis = await RedisServer.start()
  owned.teardown(() => redis.stop())
  const postgres = await PostgresServer.start()
  owned.teardown(() => postgres.stop())
  const databaseUrl = await postgres.createDatabase('seeded')
  await insertCourses(databaseUrl, COURSES)
  const env = {
    NODE_ENV: 'production',
    // Attackers with a session come through a TLS-terminating proxy; the others have separate addresses.
    TRUST_PROXY: '127.0.0.1/32',
    SESSION_SECRET: 'a secret of this check that is long enough',
    DATABASE_URL: databaseUrl,
    REDIS_URL: redis.url,
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password
  }
  const service = await spawnService(env, script(''), await startCommand())
  owned.teardown(() => service.kill('SIGKILL'))
  return { url: service.url, databaseUrl, redisUrl: redis.url, pid: service.pid, admin: ADMIN }
}

/** The command of `npm start`, which limits the heap, without npm, which would intercept signals. */
async function startCommand() {
  const { scripts } = JSON.parse(await readFile(script('package.json'), 'utf8'))
  return ['sh', '-c', String(scripts.start)] as const
}
