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
  /** The environment that it was started with. */
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

/** Waits until the sweeper has applied the outbox rows of the start: before that, a second read need not be a HIT. */
async function settled(service: Service): Promise<Service> {
  const { client } = service.app.database
  const pending = () => client.$queryRaw<object[]>`select from cache_invalidation where applied_at is null limit 1`
  while ((await pending()).length > 0) await sleep(20)
  return service
}

export interface Ways {
  /** The environment of both services. */
  readonly env?: Environment
  readonly extension?: Extension
}

/**
 * Runs the suite against the embedded service, and then against one on Redis and PostgreSQL: both must answer alike.
 * Unless `env` says otherwise, only the first has the front door. test/plugins/front-door.test.ts, which enables it for
 * both, checks that its answers are identical to those of the normal path.
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
