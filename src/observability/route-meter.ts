import type { RouteReport } from './report-shapes.ts'
import type { Deltas, Slot } from './slots.ts'

/** The upper bounds of the histogram buckets, in ms; there is one more bucket for longer times. */
const BOUNDS_MS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
const MAX_ROUTES = 50
/** The name of a count: method, route, and what is counted. */
const NAME = /^([A-Z-]{1,20}) (\S{1,200}) (n|e|h|m|b\d{1,2})$/

interface RouteCounts {
  requests: number
  errors: number
  hits: number
  misses: number
  /** Requests per bucket of `BOUNDS_MS`, plus one for longer times. */
  readonly times: number[]
}

/** A request that has been answered. */
export interface MeteredRequest {
  readonly method: string
  readonly route: string | undefined
  readonly status: number
  readonly ms: number
  readonly trace: { readonly hits: number; readonly misses: number }
  readonly streamed: boolean
}

/** Counts requests by route, in plain numbers, because it runs for every request. */
export class RouteMeter {
  requests = 0
  readonly #routes = new Map<string | undefined, Map<string, RouteCounts>>()

  count({ method, route, status, ms, trace, streamed }: MeteredRequest): void {
    this.requests++
    const counts = this.#routes.get(route)?.get(method) ?? this.#begin(method, route)
    counts.requests++
    if (status >= 500) counts.errors++
    counts.hits += trace.hits
    counts.misses += trace.misses
    // The duration of a stream is up to its client.
    if (streamed) return
    let span = 0
    while (span < BOUNDS_MS.length && ms > (BOUNDS_MS[span] ?? 0)) span++
    counts.times[span] = (counts.times[span] ?? 0) + 1
  }

  /** The counts since the process started, by the names that `routesOf` parses. */
  totals(): Deltas {
    const totals: Record<string, number> = {}
    for (const [route = 'none', methods] of this.#routes) {
      for (const [method, { requests, errors, hits, misses, times }] of methods) {
        const name = `${method} ${route}`
        Object.assign(totals, {
          [`${name} n`]: requests,
          [`${name} e`]: errors,
          [`${name} h`]: hits,
          [`${name} m`]: misses
        })
        for (const [span, count] of times.entries()) if (count > 0) totals[`${name} b${span}`] = count
      }
    }
    return totals
  }

  #begin(method: string, route: string | undefined): RouteCounts {
    const methods = this.#routes.get(route) ?? new Map<string, RouteCounts>()
    const counts = { requests: 0, errors: 0, hits: 0, misses: 0, times: [...BOUNDS_MS, 0].map(() => 0) }
    this.#routes.set(route, methods.set(method, counts))
    return counts
  }
}

/** The report of each route in these spans of time, busiest first. */
export function routesOf(slots: readonly Slot[]): RouteReport[] {
  const routes = new Map<string, RouteCounts & { method: string; route: string }>()
  for (const { counts } of slots) {
    for (const [name, count] of Object.entries(counts)) {
      const [, method, route, what] = NAME.exec(name) ?? []
      if (method === undefined || route === undefined || what === undefined) continue
      const key = `${method} ${route}`
      const found = routes.get(key) ?? { method, route, requests: 0, errors: 0, hits: 0, misses: 0, times: [] }
      routes.set(key, found)
      if (what === 'n') found.requests += count
      else if (what === 'e') found.errors += count
      else if (what === 'h') found.hits += count
      else if (what === 'm') found.misses += count
      else found.times[Number(what.slice(1))] = (found.times[Number(what.slice(1))] ?? 0) + count
    }
  }
  const busiest = [...routes.values()].sort((a, b) => b.requests - a.requests).slice(0, MAX_ROUTES)
  return busiest.map(({ method, route, requests, errors, hits, misses, times }) => ({
    method,
    route,
    requests,
    errors,
    p50Ms: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
    p99Ms: quantile(times, 0.99),
    cached: hits + misses === 0 ? null : hits / (hits + misses)
  }))
}

/** The quantile `part` of the times, in ms, interpolated linearly within a bucket; null if nothing was timed. */
function quantile(times: readonly number[], part: number): number | null {
  const spans = [...BOUNDS_MS, 2 * (BOUNDS_MS.at(-1) ?? 0)].map((end, span) => ({ end, count: times[span] ?? 0 }))
  const all = spans.reduce((sum, { count }) => sum + count, 0)
  if (all === 0) return null
  let before = 0
  let start = 0
  for (const { end, count } of spans) {
    if (count > 0 && before + count >= part * all) {
      const ms = start + ((end - start) * (part * all - before)) / count
      return Math.round(ms * 1000) / 1000
    }
    before += count
    start = end
  }
  return null
}
