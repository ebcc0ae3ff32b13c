import fp from 'fastify-plugin'
import { underWay } from '#generation/overview.ts'
import type { CacheHistory, CacheMemory } from '#observability/browse-shapes.ts'
import { MemoryReportStore } from '#observability/memory-report-store.ts'
import { describeNode } from '#observability/redis-node.ts'
import { historyOf, memoryOf, type OwnReport, reportOf } from '#observability/report.ts'
import type { CacheReport } from '#observability/report-shapes.ts'
import { RedisReportStore } from '#observability/report-store.ts'
import { Reporter } from '#observability/reporter.ts'
import { RouteMeter } from '#observability/route-meter.ts'
import type { Clearing } from '#observability/shapes.ts'
import { sharedFor } from '#observability/shared-for.ts'
import { mastersOf } from '#redis/connect.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The state of the cache in all processes; made at most once a second. */
    cacheReport(): Promise<CacheReport>
    /** The counters of the last hours, at most 24; only those of this process if Redis does not answer. */
    cacheHistory(hours: number): Promise<CacheHistory>
    /** What uses the memory of the cache, according to the last measurement. Rejects if Redis does not answer. */
    cacheMemory(): Promise<CacheMemory>
    /** Records for the report who cleared the cache; never rejects. */
    noteClearing(clearing: Clearing): Promise<void>
    /** Counts the keys again in the background, after many were deleted. */
    recountKeys(): void
  }
}

const REPORT_MS = 1000
/** How long answers of the database are shared; the queries may be slow. */
const GENERATIONS_MS = 2000
const SESSIONS_MS = 10_000

/** Publishes the state of this process, and builds the report on all processes for operators. */
export default fp(
  async (app) => {
    const { config, cacheParts, sweeper, database, generations, invalidationLog: invalidations, allSessions, log } = app
    const { meter, store, tier, breaker } = cacheParts
    const redis = app.redis.cache ?? null
    const reportStore = redis === null ? new MemoryReportStore() : new RedisReportStore(redis, config.redis.keyPrefix)
    const routes = new RouteMeter()
    app.onCompleted((request) => routes.count(request))
    const reporter = new Reporter({
      reportStore,
      meter,
      store,
      routes,
      invalidations,
      role: config.role,
      commit: config.commit,
      state: () => ({
        l1: { bytes: tier.bytes, count: tier.count },
        trusted: app.coherentCache.trusted,
        sweeper: sweeper.state,
        generations: app.generationRuns()
      }),
      nodes: () => Promise.all(redis === null ? [] : mastersOf(redis).map(describeNode)),
      log
    })
    app.addHook('onReady', async () => reporter.start())
    app.addHook('onClose', () => reporter.stop())

    const own = (): OwnReport => {
      const { trusted, since, reason } = breaker.trust
      const state = trusted ? 'trusted' : 'not-trusted'
      return {
        store:
          redis === null
            ? { state: 'embedded', since: reporter.startedAt, reason: null }
            : { state, since: since.toISOString(), reason },
        process: reporter.describe(),
        counted: reporter.own,
        invalidations: invalidations.last()
      }
    }
    const queries = {
      outboxDepth: sharedFor(REPORT_MS, () => database.outbox.depth()),
      generations: sharedFor(GENERATIONS_MS, async () => {
        const [counts, running] = await Promise.all([generations.countByStatus(), underWay(database.sql)])
        return { counts, running }
      }),
      activeSessions: sharedFor(SESSIONS_MS, () => allSessions.count())
    }
    const report = async () => {
      // Includes the latest counts of this process.
      await reporter.beat()
      return reportOf({ reportStore, redis, own: own(), database: queries })
    }
    app.decorate('cacheHistory', (hours) => historyOf(reportStore, hours).catch(() => historyOf(reporter.own, hours)))
    app.decorate('cacheMemory', () => memoryOf(reportStore))
    app.decorate('recountKeys', () => void reporter.countKeys(true))
    app.decorate('noteClearing', (clearing) =>
      reportStore
        .putClearing(clearing)
        .catch((err) => log.warn({ err }, 'cannot record who cleared the cache: the report will not show it'))
    )
    app.decorate('cacheReport', sharedFor(REPORT_MS, report))
  },
  {
    name: 'cache-report',
    dependencies: ['cache', 'completed-requests', 'database', 'generation', 'identity', 'outbox-sweeper', 'redis']
  }
)
