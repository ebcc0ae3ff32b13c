import type { Count, Counters } from './counters.ts'

type Callback = (error: Error | null, count?: Count) => void

/**
 * The store of `@fastify/rate-limit` on top of `Counters`. A limit with its own key generator uses the generated keys
 * as they are, so limits with the same keys share counters. Any other limit of a route is counted separately from the
 * limit of all routes.
 */
export class CounterStore {
  readonly #counters: Counters
  readonly #keyGenerator: unknown
  readonly #scope: string

  /** `limit` are all options of the limit, as the library passes them. */
  constructor(counters: Counters, limit: object, scope = '') {
    this.#counters = counters
    this.#keyGenerator = keyGeneratorOf(limit)
    this.#scope = scope
  }

  incr(key: string, callback: Callback, timeWindow: number): void {
    const count = this.#counters.increment(this.#scope + key, timeWindow)
    if (count instanceof Promise) count.then((count) => callback(null, count), callback)
    else callback(null, count)
  }

  child(limit: object): CounterStore {
    const isNamed = keyGeneratorOf(limit) !== this.#keyGenerator
    return new CounterStore(this.#counters, limit, isNamed ? '' : scopeOf(limit))
  }
}

/** Limits are identified by their key generator. */
export function keyGeneratorOf(limit: object): unknown {
  return 'keyGenerator' in limit ? limit.keyGenerator : undefined
}

function scopeOf(limit: object): string {
  const route = 'routeInfo' in limit ? limit.routeInfo : undefined
  if (typeof route !== 'object' || route === null || !('url' in route && 'method' in route))
    throw new TypeError('a rate limit without a route needs a keyGenerator')
  // HEAD counts towards the GET of the same route.
  return `${String(route.method).replace('HEAD', 'GET')} ${String(route.url)}:`
}
