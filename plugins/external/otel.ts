import { context, trace } from '@opentelemetry/api'
import fp from 'fastify-plugin'
import { loggedUrl } from '#logging/logged-url.ts'
import type { TraceIds } from '#tracing/tracing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The ids of this request's span; null if it is not traced. */
    traceIds: TraceIds | null
  }
}

/**
 * Creates a span for each request, which continues the trace in its `traceparent`; not for health, metrics and event
 * streams. Does nothing if tracing is off.
 */
export default fp(
  async (app) => {
    app.decorateRequest('traceIds', null)
    if (app.tracing === null) return
    app.tracing.reportTo(app.log)
    app.addHook('onRoute', (route) => {
      // A stream would put all its work into one trace, and its span would not end if the client hangs up.
      const isStream = route.sse !== undefined
      if (isStream || route.config?.operator) route.config = { ...route.config, otel: false }
    })
    const { FastifyOtelInstrumentation } = await import('@fastify/otel')
    const instrumentation = new FastifyOtelInstrumentation({
      // Spans for each of about thirty hooks would hide what takes the time.
      instrumentHooks: false,
      instrumentHandler: false,
      recordExceptions: false,
      // The library's default name for the not-found handler contains the names of all plugins.
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
    // A body arrives by events, outside of the trace's context.
    app.addHook('preValidation', (request, _reply, done) => {
      const own = request.opentelemetry().context
      if (own === null || trace.getActiveSpan() !== undefined) done()
      else context.with(own, done)
    })
  },
  { name: 'otel' }
)
