/**
 * `npm run bench:invalidation`: measures an invalidation with 1,000 and with 1,000,000 keys in Redis, and a write
 * with and without its invalidation, on a separate Redis and PostgreSQL. `--json` prints the medians as JSON.
 */
import { Redis } from 'ioredis'
import { ownKeys } from '#cached-data/own-keys.ts'
import { invalidateOnCommit } from '#database/commit-listener.ts'
import { PrismaClient } from '#database/generated/client.ts'
import { migrate } from '#database/migrate.ts'
import { openDatabase } from '#database/open.ts'
import { loadErrors } from '#http/errors.ts'
import { connectRedis } from '#redis/connect.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { createRedisCache } from '../src/cache/create.ts'
import { PostgresServer } from '../test/support/postgres.ts'
import { RedisServer } from '../test/support/redis.ts'
import { median } from './median.ts'

const SMALL = 1_000
const LARGE = 1_000_000
const ROUNDS = 7
const SAMPLES = 1_000

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const settings = {
  defaultTtlMs: 300_000,
  l1LeaseMs: 1000,
  l1MaxBytes: 0,
  maxEntryBytes: 1 << 20,
  staleIfErrorMs: 0,
  replay: async () => {},
  registry: null,
  ownKeys,
  errors: loadErrors,
  log
}

const postgres = await PostgresServer.start()
const servers = { small: await RedisServer.start(), large: await RedisServer.start() }
const database = await openDatabase({ databaseUrl: await postgres.createDatabase(), dataDir: '' }, log)
await migrate(database, log)

const caches = { small: await openCache(servers.small, SMALL), large: await openCache(servers.large, LARGE) }
const invalidation = report(
  'one invalidation (tag course:<id>), by keys in Redis',
  await interleave({
    [`${SMALL} keys`]: (i) => caches.small.cache.invalidate([`course:${i}`]),
    [`${LARGE} keys`]: (i) => caches.large.cache.invalidate([`course:${i}`])
  })
)

database.onCommit(invalidateOnCommit(caches.small.cache, database.outbox, log))
const plain = new PrismaClient({ adapter: database.adapter })
// For the bare write. The search index is kept: without it, a write of a title would take a third of the time.
const bare = await openDatabase({ databaseUrl: await postgres.createDatabase(), dataDir: '' }, log)
await migrate(bare, log)
const bareClient = new PrismaClient({ adapter: bare.adapter })
await bareClient.$executeRaw`
  do $$
  declare trigger name;
  begin
    for trigger in select tgname from pg_trigger where tgrelid = 'course'::regclass and tgname like 'cache\_%' loop
      execute format('alter table course disable trigger %I', trigger);
    end loop;
  end $$`
const ids = { coherent: await course(plain), bare: await course(bareClient) }
const write = report(
  'one write (update of a course title by Prisma)',
  await interleave({
    'bare Prisma': (i) => bareClient.course.update({ where: { id: ids.bare }, data: { title: `t${i}` } }),
    'with invalidation': (i) => database.client.course.update({ where: { id: ids.coherent }, data: { title: `t${i}` } })
  })
)

await Promise.all([plain.$disconnect(), bareClient.$disconnect(), bare.close(), database.close()])
for (const { running, redis } of Object.values(caches)) {
  running.close()
  closeRedis(redis)
}
await Promise.all([servers.small.stop(), servers.large.stop(), postgres.stop()])
if (process.argv.includes('--json')) console.log(JSON.stringify({ invalidation, write }))

async function openCache(server: RedisServer, keys: number) {
  const filler = new Redis(server.url)
  for (let i = 0; i < keys; i += 10_000) {
    const pipeline = filler.pipeline()
    for (let j = i; j < Math.min(keys, i + 10_000); j++) pipeline.set(`aikademiya:course:${j}`, `value ${j}`)
    await pipeline.exec()
  }
  filler.disconnect()
  const redis = connectRedis(server.url)
  const running = createRedisCache(redis, 'aikademiya', settings)
  await running.breaker.probe()
  return { ...running, running, redis }
}

async function course(client: PrismaClient): Promise<number> {
  const author = { create: { email: 'a@example.org', name: 'A', passwordHash: '!' } }
  const data = { slug: 'a', title: 'A', summary: 'A', level: 'beginner', language: 'en', author } as const
  return (await client.course.create({ data })).id
}

/** The median time of each task per round, in ms; the tasks alternate. */
async function interleave(tasks: Record<string, (i: number) => Promise<unknown>>): Promise<Record<string, number[]>> {
  const rounds: Record<string, number[]> = {}
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, task] of Object.entries(tasks)) {
      const times: number[] = []
      for (let i = 0; i < SAMPLES; i++) {
        const start = performance.now()
        await task(round * SAMPLES + i)
        times.push(performance.now() - start)
      }
      // The first round warms up.
      if (round > 0) rounds[name] = [...(rounds[name] ?? []), median(times)]
    }
  }
  return rounds
}

/** Prints the medians and the ratio of the second to the first; returns the medians, in ms. */
function report(title: string, rounds: Record<string, number[]>): number[] {
  console.log(`\n${title}: medians of ${ROUNDS} rounds of ${SAMPLES}`)
  const medians = Object.entries(rounds).map(([name, times]) => {
    console.log(`  ${name.padEnd(20)} ${median(times).toFixed(3)} ms`)
    return median(times)
  })
  const [first, second] = medians
  if (first !== undefined && second !== undefined) console.log(`  ratio                ${(second / first).toFixed(2)}`)
  return medians
}
