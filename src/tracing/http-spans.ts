import { subscribe } from 'node:diagnostics_channel'
import { ClientRequest, IncomingMessage } from 'node:http'
import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'

const tracer = trace.getTracer('ai-akademiya/http')

/**
 * Spans of the requests that the service makes, which are its questions to the model, by the channels of `node:http`; until the whole answer
 * is there. They have neither query nor headers, and the request carries no traceparent.
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
