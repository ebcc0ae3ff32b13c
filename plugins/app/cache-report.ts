import fp from 'fastify-plugin'
import { MemoryBoard, RedisBoard } from '#observability/board.ts'
import { reportOf } from '#observability/report.ts'
import { Reporter } from '#observability/reporter.ts'
import type { CacheReport } from '#observability/shapes.ts'
import { sharedFor } from '#observability/shared-for.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What the cache does, in all processes; asked for at most once a second. */
    cacheReport(): Promise<CacheReport>
    /** Counts the keys anew, in the background: many have just gone. */
    recountKeys(): void
  }
}

const REPORT_MS = 1000

/** What every process tells of itself, and what operators are shown of all of them. */
export default fp(
  async (app) => {
    const { config, cacheParts, sweeper, database, log } = app
    const { meter, store, tier } = cacheParts
    const redis = app.redis.cache ?? null
    const board = redis === null ? new MemoryBoard() : new RedisBoard(redis, config.redis.keyPrefix)
    const reporter = new Reporter({
      board,
      meter,
      store,
      role: config.role,
      state: () => ({
        l1: { bytes: tier.bytes, count: tier.count },
        trusted: app.coherentCache.trusted,
        sweeper: sweeper.state
      }),
      log
    })
    app.addHook('onReady', async () => reporter.start())
    app.addHook('onClose', () => reporter.stop())

    const report = async () => {
      // With what this process has counted until now.
      await reporter.beat()
      return reportOf({ board, redis, own: () => reporter.describe(), outboxDepth: () => database.outbox.depth() })
    }
    app.decorate('recountKeys', () => void reporter.countKeys(true))
    app.decorate('cacheReport', sharedFor(REPORT_MS, report))
  },
  { name: 'cache-report', dependencies: ['cache', 'redis', 'outbox-sweeper', 'database'] }
)
