import { once } from 'node:events'
import t from 'tap'
import { RedisStore } from '#cache'
import { InvalidationLog } from '#observability/invalidation-log.ts'
import { RedisReportStore } from '#observability/report-store.ts'
import { Reporter } from '#observability/reporter.ts'
import { RouteMeter } from '#observability/route-meter.ts'
import { connectRedis } from '#redis/connect.ts'
import { closeRedis } from '#redis/watchdog.ts'
import { CacheMeter } from '../../src/cache/meter.ts'
import { recordingLog } from '../support/recording-log.ts'
import { RedisServer } from '../support/redis.ts'

const MANY = 500_000
/** Creating a batch of keys may take long on a busy machine. */
const PATIENCE_MS = 10_000
const AT_ONCE = 25_000

t.test('the more keys there are, the less often they are counted', async (t) => {
  const server = await RedisServer.start('--enable-debug-command', 'local')
  t.teardown(() => server.stop())
  const redis = connectRedis(server.url, PATIENCE_MS)
  await once(redis, 'ready')
  t.teardown(() => closeRedis(redis))
  const reportStore = new RedisReportStore(redis, 'test')
  const reporter = new Reporter({
    reportStore,
    meter: new CacheMeter(),
    store: new RedisStore(redis, 'test'),
    routes: new RouteMeter(),
    invalidations: new InvalidationLog(),
    role: 'api',
    commit: null,
    state: () => ({
      l1: { bytes: 0, count: 0 },
      trusted: true,
      sweeper: { swept: 0, failing: false },
      generations: null
    }),
    nodes: async () => [],
    log: recordingLog().log
  })
  /** Counts the keys; resolves to how long no process counts them again, in ms. */
  const rest = async () => {
    await reporter.countKeys(true)
    return redis.pttl('test:board:counting')
  }
  const shortest = await rest()
  t.ok(shortest > 10_000 && shortest < 15_000, `${shortest} ms with no keys`)
  for (let n = 0; n < MANY; n += AT_ONCE)
    await redis.call('DEBUG', 'POPULATE', String(AT_ONCE), `test:course:${n}`, '1')
  const before = Number(/used_cpu_user:([\d.]+)/.exec(await redis.info('cpu'))?.[1])
  const longer = await rest()
  const worked = Number(/used_cpu_user:([\d.]+)/.exec(await redis.info('cpu'))?.[1]) - before
  t.equal((await reportStore.keyCounts())?.prefixes.course, MANY)
  const { sampled = 0, prefixes = [], largest = [] } = (await reportStore.keyCounts())?.memory ?? {}
  t.ok(sampled > MANY / 50 && sampled < MANY / 10, `${sampled} keys were measured`)
  const { keys = 0, bytes = 0 } = prefixes.find(({ prefix }) => prefix === 'course') ?? {}
  t.ok(keys === MANY && (bytes ?? 0) > 20 * MANY, `${bytes} bytes`)
  t.equal(largest.length, 20)
  t.comment(`Redis worked for ${worked} s`)
  t.ok((worked * 1000) / longer < 0.01, `Redis worked for ${worked} s, and the next count is in ${longer} ms`)
  await reporter.countKeys()
  t.ok((await redis.pttl('test:board:counting')) > longer - 5000, 'another call does not count either')
})
