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
/** How long a process that stops waits for a collector. */
const FLUSH_MS = 1500
/** Those of Prisma that say nothing about where the time went. */
const DULL_SPANS = ['prisma:client:serialize', 'prisma:client:compile']

/**
 * Spans of Fastify (plugins/external/otel.ts), the cache, Prisma, pg, ioredis and questions to the model, sent by OTLP over HTTP. Sampling,
 * batches and the name of the service follow the variables of OpenTelemetry, which its SDK reads. Of what a client sends, `traceparent`
 * goes on, and no baggage.
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
  const prisma = new PrismaInstrumentation({ ignoreSpanTypes: DULL_SPANS })
  prisma.setTracerProvider(childSpansOnly(provider))
  prisma.enable()
  // It is at work from here on.
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

/** Only the one that is used is loaded. */
async function createExporter(protocol: string, pairs: string | null): Promise<SpanExporter> {
  const headers = parseKeyPairsIntoRecord(pairs ?? undefined)
  if (protocol === 'http/json') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
    return new OTLPTraceExporter({ headers })
  }
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto')
  return new OTLPTraceExporter({ headers })
}

/** Of a statement, behind the comment by which triggers know the service. */
function firstWord(statement: string): string {
  return /^(?:\s*\/\*.*?\*\/)*\s*(\w+)/s.exec(statement)?.[1]?.toUpperCase() ?? 'SQL'
}
