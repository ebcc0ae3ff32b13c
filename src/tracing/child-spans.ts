import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  type Span,
  type SpanOptions,
  type Tracer,
  type TracerProvider,
  trace
} from '@opentelemetry/api'

/** Creates spans only inside an existing trace: background work such as polling and migrations starts none. */
export function childSpansOnly(provider: TracerProvider): TracerProvider {
  return { getTracer: (...names) => new ChildTracer(provider.getTracer(...names)) }
}

type Task<T> = (span: Span) => T

class ChildTracer implements Tracer {
  readonly #tracer: Tracer

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  startSpan(name: string, options?: SpanOptions, parent: Context = context.active()): Span {
    return trace.getSpan(parent) === undefined ? NO_SPAN : this.#tracer.startSpan(name, options, parent)
  }

  startActiveSpan<T>(name: string, ...rest: [Task<T>] | [SpanOptions, Task<T>] | [SpanOptions, Context, Task<T>]): T {
    const [options, parent, task] =
      rest.length === 1
        ? [{}, context.active(), rest[0]]
        : rest.length === 2
          ? [rest[0], context.active(), rest[1]]
          : rest
    const span = this.startSpan(name, options, parent)
    return span === NO_SPAN ? task(span) : context.with(trace.setSpan(parent, span), () => task(span))
  }
}

const NO_SPAN: Span = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
