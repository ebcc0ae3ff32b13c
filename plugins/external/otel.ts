import { context, trace } from '@opentelemetry/api'
import fp from 'fastify-plugin'
import { loggedUrl } from '#logging/logged-url.ts'
import type { TraceIds } from '#tracing/tracing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the span of this request; null where it is not traced. */
    traceIds: TraceIds | null
  }
}

/**
 * A span for each request, which goes on with the trace of its `traceparent`; none for health, metrics and streams of events, and nothing at all where traces
 * are off.
 */
export default fp(
  async (app) => {
    app.decorateRequest('traceIds', null)
    if (app.tracing === null) return
    app.tracing.reportTo(app.log)
    app.addHook('onRoute', (route) => {
      // A stream would be one trace of all that it waits for, and has no end where its client hangs up.
      const isStream = route.sse !== undefined
      if (isStream || route.config?.operator) route.config = { ...route.config, otel: false }
    })
    const { FastifyOtelInstrumentation } = await import('@fastify/otel')
    const instrumentation = new FastifyOtelInstrumentation({
      // A span for each of some thirty hooks would hide what takes the time.
      instrumentHooks: false,
      instrumentHandler: false,
      recordExceptions: false,
      // Its name for the answer to what no route is for has those of all plugins.
      lifecycleHook: (span, { hookName }) => {
        span.updateName(hookName).setAttribute('hook.name', hookName)
      },
      requestHook: (span, request) => {
        request.traceIds = span.spanContext()
        const { method, id, routeOptions } = request
        const [path = '', query] = loggedUrl(request.url).split('?', 2)
        span.updateName(routeOptions.url === undefined ? method : `${method} ${routeOptions.url}`)
        span.setAttributes({ 'url.path': path, 'url.query': query, 'http.request.id': id })
      }
    })
    await app.register(instrumentation.plugin())
    // A body arrives by events, which know nothing of the trace.
    app.addHook('preValidation', (request, _reply, done) => {
      const own = request.opentelemetry().context
      if (own === null || trace.getActiveSpan() !== undefined) done()
      else context.with(own, done)
    })
  },
  { name: 'otel' }
)
