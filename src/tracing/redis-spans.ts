import { tracingChannel } from 'node:diagnostics_channel'
import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'

/** What ioredis says of a command, as its README has it. */
interface Command {
  readonly command: string
  readonly serverAddress: string
  readonly serverPort: number | undefined
}

const tracer = trace.getTracer('ai-akademiya/redis')

/**
 * Spans of the commands to Redis, by the channels that ioredis publishes on. Of a command they have the name only: keys name users and
 * sessions. What belongs to no trace, as questions after the health, makes none.
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
