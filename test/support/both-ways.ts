import type { Test } from 'tap'
import type { Environment } from '../../src/environment.ts'
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
export function startEmbedded(t: Test): Promise<Service> {
  return startService(t, UNLIMITED)
}

/** The service on a Redis and a PostgreSQL of the test's own, with the demo catalogue. */
export async function startReal(t: Test): Promise<RealService> {
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const postgres = await PostgresServer.start()
  t.teardown(() => postgres.stop())
  const env = { ...UNLIMITED, REDIS_URL: redis.url, DATABASE_URL: await postgres.createDatabase(), SEED: 'demo' }
  return { ...(await startService(t, env)), redis, postgres, env }
}

/** Both ways to run answer alike: the suite runs against the embedded service, then against the real one. */
export async function bothWays(t: Test, suite: (t: Test, service: Service) => Promise<void>): Promise<void> {
  await t.test('embedded', async (t) => suite(t, await startEmbedded(t)))
  await t.test('on Redis and PostgreSQL', async (t) => suite(t, await startReal(t)))
}
