import { LISTS_AT_ONCE, type Load } from './load.ts'

const QUERIES = 500
const HITS = 0.9
/** How many paths each connection repeats. */
const SEQUENCE = 2000

/** 500 different queries of the catalogue, each with results. */
function queries(): string[] {
  const levels = ['beginner', 'intermediate', 'advanced']
  const sorts = ['title', '-createdAt', '-updatedAt']
  const all: string[] = []
  for (let page = 0; all.length < QUERIES; page++) {
    for (const level of levels) {
      for (const language of ['en', 'ru']) {
        for (const sort of sorts) {
          all.push(`?level=${level}&language=${language}&sort=${sort}&limit=${10 + page}`)
        }
      }
    }
  }
  return all.slice(0, QUERIES)
}

/** The share of each query in the requests, by Zipf's law: the n-th is sent 1/n times as often as the first. */
const SHARES = (() => {
  const weights = Array.from({ length: QUERIES }, (_, n) => 1 / (n + 1))
  const sum = weights.reduce((a, b) => a + b)
  return weights.map((weight) => weight / sum)
})()

/** After how many requests a write invalidates the lists, so that the wanted share of reads are hits. */
function requestsPerWrite(): number {
  const misses = (requests: number) => SHARES.reduce((sum, share) => sum + 1 - (1 - share) ** requests, 0)
  let requests = QUERIES
  while (misses(requests) > (1 - HITS) * requests) requests += 10
  return requests
}

/** Lists with filters, drawn like real traffic: few queries are frequent, most are rare, and there are occasional writes. */
export class ListLoad {
  readonly load: Omit<Load, 'seconds'>
  readonly #queries = queries()

  constructor(url: string, write: () => Promise<void>) {
    const every = requestsPerWrite()
    let answers = 0
    this.load = {
      url,
      connections: LISTS_AT_ONCE,
      paths: () => Array.from({ length: SEQUENCE }, () => `/api/v1/courses${this.#draw()}`),
      answered: () => {
        if (++answers % every === 0) void write()
      }
    }
  }

  #draw(): string {
    let left = Math.random()
    const n = SHARES.findIndex((share) => {
      left -= share
      return left < 0
    })
    return this.#queries.at(n) ?? ''
  }
}
