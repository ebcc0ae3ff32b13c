import type { Count, Counters } from './counters.ts'

type Callback = (error: Error | null, count?: Count) => void

/**
 * The store of `@fastify/rate-limit` over `Counters`. A limit that has a key generator of its own names its counters by it, and
 * limits with the same keys share them. Any other is counted for its route, apart from the limit that all routes have.
 */
export class CounterStore {
  readonly #counters: Counters
  readonly #keyGenerator: unknown
  readonly #scope: string

  /** `limit` is what the library passes: all options of the limit. */
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

/** By its key generator a limit is known. */
export function keyGeneratorOf(limit: object): unknown {
  return 'keyGenerator' in limit ? limit.keyGenerator : undefined
}

function scopeOf(limit: object): string {
  const route = 'routeInfo' in limit ? limit.routeInfo : undefined
  if (typeof route !== 'object' || route === null || !('url' in route && 'method' in route))
    throw new TypeError('a rate limit that belongs to no route needs a keyGenerator')
  // A HEAD is counted with the GET of its route.
  return `${String(route.method).replace('HEAD', 'GET')} ${String(route.url)}:`
}
