import { type Attributes, context, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Activity, Observer } from '#cache'

const tracer = trace.getTracer('ai-akademiya/cache')

/** Spans of the cache. They contain only the prefix of a key: the rest may be the id of a user. */
export const cacheSpans: Observer = {
  lookUp: (key) => begin('cache look-up', { 'cache.prefix': prefixOf(key) }),
  load: (key) => begin('cache load', { 'cache.prefix': prefixOf(key) }),
  invalidate: (tags) => begin('cache invalidate', { 'cache.tags': tags })
}

function begin(name: string, attributes: Attributes): Activity {
  const parent = context.active()
  const span = tracer.startSpan(name, { attributes }, parent)
  const inside = trace.setSpan(parent, span)
  return {
    run: (task) => context.with(inside, task),
    end: (result) => {
      span.setAttribute('cache.result', result)
      if (result === 'failed') span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    }
  }
}

function prefixOf(key: string): string {
  return key.split(':', 1)[0] ?? ''
}
