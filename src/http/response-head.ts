import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http'
import type { Trace } from '#cache'

export const JSON_TYPE = 'application/json; charset=utf-8'
/** `Cache-Control` of public data. Clients may keep an answer, but ask before each use: a write is seen at once, and the question costs a 304. */
export const PUBLIC = 'public, no-cache'

/** The headers by which operators see what a response cost; `totalMs` is the whole time, in milliseconds. */
export function timingHeaders(trace: Trace, totalMs: number): Record<string, string> {
  return {
    'X-Response-Time': `${fixed(totalMs)}ms`,
    'X-Cache-Hits': String(trace.hits),
    'X-Cache-Misses': String(trace.misses),
    'Server-Timing': serverTiming(trace, totalMs)
  }
}

/** `X-Request-Id` and the timing headers as they are sent, for where each of them made by itself would be too dear. */
export function varyingLines(requestId: string, trace: Trace, totalMs: number): string {
  const { hits, misses } = trace
  return `X-Request-Id: ${requestId}\r\nX-Response-Time: ${fixed(totalMs)}ms\r\nX-Cache-Hits: ${hits}\r\nX-Cache-Misses: ${misses}\r\nServer-Timing: ${serverTiming(trace, totalMs)}\r\n`
}

function serverTiming({ cacheMs, loadMs }: Trace, totalMs: number): string {
  return `cache;dur=${fixed(cacheMs)}, load;dur=${fixed(loadMs)}, total;dur=${fixed(totalMs)}`
}

/** To the microsecond. */
function fixed(ms: number): string {
  return ms === 0 ? '0.000' : ms.toFixed(3)
}

/** Writes down the headers of a response in the form that costs Node least: names and values in turns. */
export class ResponseHead {
  readonly #fixed: readonly string[]
  readonly #names: ReadonlySet<string>

  /** `fixed` are on every response that does not replace them. Names are in lower case, here and below. */
  constructor(fixed: Readonly<Record<string, string>>) {
    this.#fixed = Object.entries(fixed).flat()
    this.#names = new Set(Object.keys(fixed))
  }

  /** The whole head of a response that has `own` headers. */
  lines(own: OutgoingHttpHeaders, requestId: string, trace: Trace, totalMs: number): OutgoingHttpHeader[] {
    const lines: OutgoingHttpHeader[] = ['X-Request-Id', requestId]
    const timing = timingHeaders(trace, totalMs)
    for (const name in timing) lines.push(name, timing[name] ?? '')
    return lines.concat(this.constant(own))
  }

  /** `own` headers of a response and the fixed ones: what is the same for every response that has these. */
  constant(own: OutgoingHttpHeaders): OutgoingHttpHeader[] {
    const lines: OutgoingHttpHeader[] = []
    let replaced = false
    for (const name in own) {
      const value = own[name]
      if (value === undefined) continue
      lines.push(name, value)
      replaced ||= this.#names.has(name)
    }
    return lines.concat(replaced ? this.#without(own) : this.#fixed)
  }

  #without(own: OutgoingHttpHeaders): string[] {
    return this.#fixed.filter((_, i) => own[this.#fixed[i - (i % 2)] ?? ''] === undefined)
  }
}
