import { setTimeout as sleep } from 'node:timers/promises'
import { trace } from '@opentelemetry/api'
import { parseKeyPairsIntoRecord, W3CTraceContextPropagator } from '@opentelemetry/core'
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node'
import { PrismaInstrumentation } from '@prisma/instrumentation'
import type { Config } from '#config/config.ts'
import { version } from '#config/version.ts'
import { cacheSpans } from './cache-spans.ts'
import { CarefulExporter } from './careful-exporter.ts'
import { childSpansOnly } from './child-spans.ts'
import { traceHttpRequests } from './http-spans.ts'
import { traceRedis } from './redis-spans.ts'
import type { Tracing } from './tracing.ts'

const SERVICE_NAMES = { api: 'ai-akademiya-api', worker: 'ai-akademiya-worker' }
/** How long a stopping process waits for the collector. */
const FLUSH_MS = 1500
/** Prisma's spans that do not help to see where the time went. */
const IGNORED_SPANS = ['prisma:client:serialize', 'prisma:client:compile']

/**
 * Sends spans of Fastify (plugins/external/otel.ts), the cache, Prisma, pg, ioredis and questions to the model by OTLP
 * over HTTP. Sampling, batching and the service name follow the environment variables of OpenTelemetry, which its SDK
 * reads. A client's `traceparent` is continued; baggage is ignored.
 */
export async function startOpenTelemetry(
  { protocol, headers }: NonNullable<Config['tracing']>,
  role: Config['role']
): Promise<Tracing> {
  const exporter = new CarefulExporter(await createExporter(protocol, headers))
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': SERVICE_NAMES[role],
      'service.version': version
    }).merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter)]
  })
  provider.register({ propagator: new W3CTraceContextPropagator() })
  const prisma = new PrismaInstrumentation({ ignoreSpanTypes: IGNORED_SPANS })
  prisma.setTracerProvider(childSpansOnly(provider))
  prisma.enable()
  // The constructor already enables the instrumentation.
  new PgInstrumentation({
    requireParentSpan: true,
    requestHook: (span, { query }) => {
      span.updateName(`pg.query ${firstWord(query.text)}`)
    }
  })
  traceRedis()
  traceHttpRequests()
  return {
    cacheObserver: cacheSpans,
    activeIds: () => {
      const active = trace.getActiveSpan()?.spanContext()
      return active && { traceId: active.traceId, spanId: active.spanId }
    },
    reportTo: (log) => exporter.reportTo(log),
    close: () => Promise.race([provider.shutdown().catch(() => {}), sleep(FLUSH_MS, undefined, { ref: false })])
  }
}

/** Loads only the exporter in use. */
async function createExporter(protocol: string, pairs: string | null): Promise<SpanExporter> {
  const headers = parseKeyPairsIntoRecord(pairs ?? undefined)
  if (protocol === 'http/json') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
    return new OTLPTraceExporter({ headers })
  }
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto')
  return new OTLPTraceExporter({ headers })
}

/** The first word of a statement, after the comment by which triggers recognize the service. */
function firstWord(statement: string): string {
  return /^(?:\s*\/\*.*?\*\/)*\s*(\w+)/s.exec(statement)?.[1]?.toUpperCase() ?? 'SQL'
}
