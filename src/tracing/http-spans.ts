import { subscribe } from 'node:diagnostics_channel'
import { ClientRequest, IncomingMessage } from 'node:http'
import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'

const tracer = trace.getTracer('ai-akademiya/http')

/**
 * Creates spans for outgoing requests, which are the questions to the model, through the diagnostics channels of
 * `node:http`. A span ends when the whole answer has arrived. It contains neither query nor headers, and no traceparent
 * is sent.
 */
export function traceHttpRequests(): void {
  const spans = new WeakMap<object, Span>()
  subscribe('http.client.request.start', (message) => {
    const request = property(message, 'request')
    if (!(request instanceof ClientRequest) || trace.getActiveSpan() === undefined) return
    const attributes = {
      'http.request.method': request.method,
      'server.address': request.host,
      'url.path': request.path.split('?', 1)[0]
    }
    spans.set(request, tracer.startSpan(request.method, { kind: SpanKind.CLIENT, attributes }))
  })
  subscribe('http.client.response.finish', (message) => {
    const response = property(message, 'response')
    const span = spanOf(message)
    if (span === undefined || !(response instanceof IncomingMessage)) return
    span.setAttribute('http.response.status_code', response.statusCode ?? 0)
    response.once('close', () => span.end())
  })
  subscribe('http.client.request.error', (message) => {
    spanOf(message)?.setStatus({ code: SpanStatusCode.ERROR }).end()
  })

  function spanOf(message: unknown): Span | undefined {
    const request = property(message, 'request')
    return request instanceof ClientRequest ? spans.get(request) : undefined
  }
}

function property(message: unknown, name: string): unknown {
  return typeof message === 'object' && message !== null ? Reflect.get(message, name) : undefined
}
