import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 40
const TIMEOUT_MS = 10_000
/** The number of addresses; each stays far below its limit. */
const ADDRESSES = 250

/** What visitors saw during an attack. */
export interface Seen {
  reads: number
  failed: number
  slowestMs: number
  slowestPath: string
  /** A description of the first failure. */
  firstFailure: string
}

/** Reads catalogue pages one after the other, each from another loopback address. */
export class Visitor {
  readonly #url: string
  readonly #agents = Array.from(
    { length: ADDRESSES },
    (_, i) => new Agent({ keepAlive: true, maxSockets: 1, localAddress: `127.0.1.${i + 1}` })
  )
  #seen = nothingYet()
  #stopped = false
  #next = 0

  constructor(url: string) {
    this.#url = url
    void this.#read()
  }

  /** What was seen since the last call. */
  take(): Seen {
    const seen = this.#seen
    this.#seen = nothingYet()
    return seen
  }

  stop(): void {
    this.#stopped = true
    for (const agent of this.#agents) agent.destroy()
  }

  async #read(): Promise<void> {
    while (!this.#stopped) {
      const n = this.#next++
      const path = pages[n % pages.length]?.(n) ?? '/'
      const seen = this.#seen
      const start = performance.now()
      const status = await this.#get(path, n).catch((error: Error) => error.message)
      seen.reads++
      const ms = performance.now() - start
      if (ms > seen.slowestMs) Object.assign(seen, { slowestMs: ms, slowestPath: path })
      if (status !== 200) {
        seen.failed++
        seen.firstFailure ||= `${path}: ${status}`
      }
      await sleep(PAUSE_MS)
    }
  }

  #get(path: string, n: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const agent = this.#agents[n % ADDRESSES]
      const get = request(`${this.#url}${path}`, { timeout: TIMEOUT_MS, ...(agent && { agent }) }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0))
      })
      get.once('timeout', () => get.destroy(new Error('no answer')))
      get.once('error', reject)
      get.end()
    })
  }
}

/** Cached and uncached pages, lists and searches. */
const pages: readonly ((n: number) => string)[] = [
  () => '/api/v1/courses/1',
  (n) => `/api/v1/courses/${1 + ((n * 7919) % 90_000)}`,
  () => '/api/v1/courses',
  (n) => `/api/v1/courses?page=${1 + (n % 50)}`,
  () => '/api/v1/categories',
  (n) => `/api/v1/courses?search=${['python', 'go', 'data', 'алгоритм'][n % 4]}${n % 100}`
]

function nothingYet(): Seen {
  return { reads: 0, failed: 0, slowestMs: 0, slowestPath: '', firstFailure: '' }
}
