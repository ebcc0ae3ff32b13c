import { context, ROOT_CONTEXT, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node'
import type { Log } from '#logging/log.ts'

type Result = Parameters<Parameters<SpanExporter['export']>[1]>[0]

/** Takes the words of errors out of spans, and says once an outage that spans cannot be sent. */
export class CarefulExporter implements SpanExporter {
  readonly #exporter: SpanExporter
  #log: Log | null = null
  #failing = false

  constructor(exporter: SpanExporter) {
    this.#exporter = exporter
  }

  reportTo(log: Log): void {
    this.#log = log
  }

  export(spans: ReadableSpan[], done: (result: Result) => void): void {
    this.#exporter.export(spans.map(withoutMessages), (result) => {
      // Of no trace: the one whose end began this batch has nothing to do with it.
      context.with(ROOT_CONTEXT, () => this.#report(result))
      done(result)
    })
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown()
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.()
  }

  #report({ code, error }: Result): void {
    const failing = code !== SUCCESS
    if (failing && !this.#failing) {
      this.#log?.warn(
        { err: error },
        'traces cannot be sent, and are dropped until they can: check OTEL_EXPORTER_OTLP_ENDPOINT and the collector'
      )
    }
    if (!failing && this.#failing) this.#log?.info({}, 'traces are sent again')
    this.#failing = failing
  }
}

/** `ExportResultCode.SUCCESS`, an enum. */
const SUCCESS = 0

/**
 * Messages of errors may repeat what a client has sent, or a row. The log has them, without values and under the same trace id. What a client
 * has done wrong is no error of the service.
 */
function withoutMessages(span: ReadableSpan): ReadableSpan {
  const { status, attributes, events } = span
  if (status.code !== SpanStatusCode.ERROR && events.length === 0) return span
  const isRefusal = Number(attributes['http.response.status_code']) < 500
  return Object.create(span, {
    status: { value: { code: isRefusal ? SpanStatusCode.UNSET : status.code } },
    events: { value: events.filter(({ name }) => name !== 'exception') }
  })
}
