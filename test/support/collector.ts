import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Static, Type } from 'typebox'
import Value from 'typebox/value'

const Attribute = Type.Object({ key: Type.String(), value: Type.Record(Type.String(), Type.Unknown()) })
const Span = Type.Object({
  traceId: Type.String(),
  spanId: Type.String(),
  parentSpanId: Type.Optional(Type.String()),
  name: Type.String(),
  startTimeUnixNano: Type.String(),
  endTimeUnixNano: Type.String(),
  attributes: Type.Array(Attribute)
})
const Export = Type.Object({
  resourceSpans: Type.Array(
    Type.Object({
      resource: Type.Object({ attributes: Type.Array(Attribute) }),
      scopeSpans: Type.Array(Type.Object({ spans: Type.Array(Span) }))
    })
  )
})

type Attributes = Readonly<Record<string, unknown>>

/** A span as it was received. */
export interface ReceivedSpan extends Omit<Static<typeof Span>, 'attributes'> {
  readonly attributes: Attributes
  readonly resource: Attributes
}

/** An OTLP collector over HTTP. It parses spans sent as JSON. */
export class Collector {
  readonly spans: ReceivedSpan[] = []
  /** Everything that was sent, as text. */
  sent = ''
  /** The headers of the last request. */
  headers: Readonly<Record<string, unknown>> = {}
  readonly #server: Server

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const body = await text(request)
      this.headers = request.headers
      this.sent += body
      const type = request.headers['content-type']
      if (request.url === '/v1/traces' && type === 'application/json') this.#take(body)
      response.writeHead(200, { 'Content-Type': type }).end(type === 'application/json' ? '{}' : '')
    })
  }

  static async start(port = 0): Promise<Collector> {
    const collector = new Collector()
    await new Promise<void>((resolve) => collector.#server.listen(port, '127.0.0.1', resolve))
    return collector
  }

  /** The value for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  /**
   * The trace as a tree, with one line per span, ordered by the start of the spans; within a millisecond, by their end.
   */
  tree(traceId: string): string {
    const spans = this.spans.filter((span) => span.traceId === traceId)
    const known = new Set(spans.map(({ spanId }) => spanId))
    const under = (parent: string | undefined) =>
      spans
        .filter(({ parentSpanId = '' }) => (parent === undefined ? !known.has(parentSpanId) : parentSpanId === parent))
        .sort(
          (a, b) =>
            nanoseconds(a.startTimeUnixNano, b.startTimeUnixNano) || nanoseconds(a.endTimeUnixNano, b.endTimeUnixNano)
        )
    const lines = (parent: string | undefined, indent: string): string[] =>
      under(parent).flatMap((span) => [`${indent}${describe(span)}`, ...lines(span.spanId, `${indent}  `)])
    return lines(undefined, '').join('\n')
  }

  #take(body: string): void {
    for (const { resource, scopeSpans } of Value.Parse(Export, JSON.parse(body)).resourceSpans) {
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({ ...span, attributes: plain(span.attributes), resource: plain(resource.attributes) })
      }
    }
  }
}

function nanoseconds(to: string, from: string): number {
  return Number(BigInt(to) - BigInt(from))
}

function plain(attributes: Static<typeof Attribute>[]): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}

const TOLD = ['cache.prefix', 'cache.result', 'cache.tags', 'http.response.status_code']

function describe({ name, attributes, startTimeUnixNano, endTimeUnixNano }: ReceivedSpan): string {
  const ms = nanoseconds(endTimeUnixNano, startTimeUnixNano) / 1e6
  const told = TOLD.flatMap((key) => (attributes[key] === undefined ? [] : [attributes[key]]))
  return [name, ...told, `${ms.toFixed(1)} ms`].join('  ')
}
