import { tracingChannel } from 'node:diagnostics_channel'
import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'

/** A command as ioredis publishes it, according to its README. */
interface Command {
  readonly command: string
  readonly serverAddress: string
  readonly serverPort: number | undefined
}

const tracer = trace.getTracer('ai-akademiya/redis')

/**
 * Creates spans for commands to Redis, through the diagnostics channels of ioredis. They contain only the name of the
 * command, because keys identify users and sessions. Commands outside of a trace, such as health checks, get no span.
 */
export function traceRedis(): void {
  const spans = new WeakMap<object, Span>()
  tracingChannel<unknown, Command>('ioredis:command').subscribe({
    start: (message) => {
      if (trace.getActiveSpan() === undefined) return
      const { command, serverAddress, serverPort } = message
      const attributes = {
        'db.system.name': 'redis',
        'db.operation.name': command,
        'server.address': serverAddress,
        'server.port': serverPort
      }
      spans.set(message, tracer.startSpan(`redis ${command}`, { kind: SpanKind.CLIENT, attributes }))
    },
    error: (message) => {
      spans.get(message)?.setStatus({ code: SpanStatusCode.ERROR })
    },
    asyncEnd: (message) => {
      spans.get(message)?.end()
    },
    end: () => {},
    asyncStart: () => {}
  })
}
