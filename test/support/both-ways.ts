import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Environment } from '#config/environment.ts'
import { PostgresServer } from './postgres.ts'
import { RedisServer } from './redis.ts'
import { type Extension, type Service, startService } from './service.ts'

/** The tests share one address and exceed its hourly limits, which are tested elsewhere. */
const UNLIMITED = { RATE_LIMIT_ANONYMOUS: '0' }

export interface RealService extends Service {
  readonly redis: RedisServer
  readonly postgres: PostgresServer
  /** What it was started with. */
  readonly env: Environment
}

/** The embedded service: its database and its cache are in this process. */
export async function startEmbedded(t: Test, env: Environment = {}, extension?: Extension): Promise<Service> {
  return settled(await startService(t, { ...UNLIMITED, ...env }, extension))
}

/** The service on a separate Redis and PostgreSQL, with the demo catalogue. */
export async function startReal(t: Test, more: Environment = {}, extension?: Extension): Promise<RealService> {
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const postgres = await PostgresServer.start()
  t.teardown(() => postgres.stop())
  const env = {
    ...UNLIMITED,
    REDIS_URL: redis.url,
    DATABASE_URL: await postgres.createDatabase('seeded'),
    SEED: 'demo',
    ...more
  }
  return { ...(await settled(await startService(t, env, extension))), redis, postgres, env }
}

/** The sweeper applies the rows of a start: until then no HIT is certain. */
async function settled(service: Service): Promise<Service> {
  const { client } = service.app.database
  const pending = () => client.$queryRaw<object[]>`select from cache_invalidation where applied_at is null limit 1`
  while ((await pending()).length > 0) await sleep(20)
  return service
}

export interface Ways {
  /** Of both services. */
  readonly env?: Environment
  readonly extension?: Extension
}

/**
 * Both ways to run answer alike: the suite runs against the embedded service, then against the real one. The same holds for the front
 * door: the first has it, the second takes the normal path always, unless `env` says otherwise. That the two answer the same
 * to the letter is the subject of test/plugins/front-door.test.ts, which has the door open on both.
 */
export async function bothWays(
  t: Test,
  suite: (t: Test, service: Service) => Promise<void>,
  { env, extension }: Ways = {}
): Promise<void> {
  await t.test('embedded', async (t) => suite(t, await startEmbedded(t, { FRONT_DOOR: 'on', ...env }, extension)))
  await t.test('on Redis and PostgreSQL', async (t) => {
    await suite(t, await startReal(t, { FRONT_DOOR: 'off', ...env }, extension))
  })
}
