import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Environment } from '#config/environment.ts'
import { PostgresServer } from './postgres.ts'
import { RedisServer } from './redis.ts'
import { type Service, startService } from './service.ts'

/** The tests of one address send more than it may in an hour; limits have tests of their own. */
const UNLIMITED = { RATE_LIMIT_ANONYMOUS: '0' }

export interface RealService extends Service {
  readonly redis: RedisServer
  readonly postgres: PostgresServer
  /** What it was started with. */
  readonly env: Environment
}

/** The service with nothing but itself: its database and its cache are in this process. */
export async function startEmbedded(t: Test): Promise<Service> {
  return settled(await startService(t, UNLIMITED))
}

/** The service on a Redis and a PostgreSQL of the test's own, with the demo catalogue. */
export async function startReal(t: Test): Promise<RealService> {
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const postgres = await PostgresServer.start()
  t.teardown(() => postgres.stop())
  const env = {
    ...UNLIMITED,
    REDIS_URL: redis.url,
    DATABASE_URL: await postgres.createDatabase('seeded'),
    SEED: 'demo'
  }
  return { ...(await settled(await startService(t, env))), redis, postgres, env }
}

/** What a start writes is left to the sweeper: before it is applied, no HIT is sure. */
async function settled(service: Service): Promise<Service> {
  const { client } = service.app.database
  const pending = () => client.$queryRaw<object[]>`select from cache_invalidation where applied_at is null limit 1`
  while ((await pending()).length > 0) await sleep(20)
  return service
}

/** Both ways to run answer alike: the suite runs against the embedded service, then against the real one. */
export async function bothWays(t: Test, suite: (t: Test, service: Service) => Promise<void>): Promise<void> {
  await t.test('embedded', async (t) => suite(t, await startEmbedded(t)))
  await t.test('on Redis and PostgreSQL', async (t) => suite(t, await startReal(t)))
}
