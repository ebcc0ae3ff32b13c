import fp from 'fastify-plugin'
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { registerCacheMetrics } from '#observability/cache-metrics.ts'
import { registerWorkMetrics } from '#observability/work-metrics.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly metrics: Registry
  }
}

const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Metrics for Prometheus: requests are counted here, the rest elsewhere. */
export default fp(
  async (app) => {
    const registry = new Registry()
    const registers = [registry]
    app.decorate('metrics', registry)
    collectDefaultMetrics({ register: registry })
    // These gauges are named like counters, and other metrics have their values.
    for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`)
    registerCacheMetrics(registers, app.cacheParts)
    const { database, sweeper, generations, generationQueue: queue, modelMeter: model } = app
    registerWorkMetrics(registers, { database, sweeper, generations, queue, model })

    const requests = new Histogram({
      name: 'aikademiya_request_seconds',
      help: 'Duration of requests by route and status',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_SECONDS,
      registers
    })
    const limited = new Counter({
      name: 'aikademiya_rate_limited_requests_total',
      help: 'Requests refused by a rate limit',
      registers
    })
    const sessions = new Counter({
      name: 'aikademiya_sessions_begun_total',
      help: 'Sessions begun: logins, registrations, password changes',
      registers
    })
    app.onCompleted(({ method, route, status, ms, beganSession }) => {
      // Without a route, the path is arbitrary client input.
      requests.observe({ method, route: route ?? 'none', status }, ms / 1000)
      if (status === 429) limited.inc()
      if (beganSession) sessions.inc()
    })
  },
  { name: 'metrics', dependencies: ['completed-requests', 'cache', 'outbox-sweeper', 'database', 'generation'] }
)
