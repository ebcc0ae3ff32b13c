import { context, ROOT_CONTEXT, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node'
import type { Log } from '#logging/log.ts'

type Result = Parameters<Parameters<SpanExporter['export']>[1]>[0]

/** Removes error messages from spans, and logs once per outage that spans cannot be sent. */
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
      // Outside of any trace: the one that happened to trigger this batch is unrelated.
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
        'traces cannot be sent, and are dropped meanwhile: check OTEL_EXPORTER_OTLP_ENDPOINT and the collector'
      )
    }
    if (!failing && this.#failing) this.#log?.info({}, 'traces are being sent again')
    this.#failing = failing
  }
}

/** `ExportResultCode.SUCCESS`, an enum. */
const SUCCESS = 0

/**
 * Removes error messages, which may repeat client input or a row; the log has them, without values, under the same
 * trace id. Also clears the error status for mistakes of the client (4xx), which are not errors of the service.
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
