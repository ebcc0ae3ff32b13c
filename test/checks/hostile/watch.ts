import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const EVERY_MS = 200
const TIMEOUT_MS = 10_000

/** What an operator saw of the service during an attack. */
export interface Watched {
  maxMemoryMiB: number
  maxDescriptors: number
  slowestHealthMs: number
  /** How often `/health/ready` did not report ready. */
  notReady: number
}

/** Observes a process from outside, and polls its health. */
export class Watch {
  readonly #url: string
  readonly #pid: number
  #watched = nothingYet()
  #stopped = false

  constructor(url: string, pid: number) {
    this.#url = url
    this.#pid = pid
    void this.#sample()
    void this.#ask()
  }

  /** What was seen since the last call. */
  take(): Watched {
    const watched = this.#watched
    this.#watched = nothingYet()
    return watched
  }

  stop(): void {
    this.#stopped = true
  }

  async #sample(): Promise<void> {
    while (!this.#stopped) {
      const status = await readFile(`/proc/${this.#pid}/status`, 'utf8').catch(() => '')
      const memory = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024
      const descriptors = await readdir(`/proc/${this.#pid}/fd`).catch(() => [])
      const watched = this.#watched
      watched.maxMemoryMiB = Math.max(watched.maxMemoryMiB, memory)
      watched.maxDescriptors = Math.max(watched.maxDescriptors, descriptors.length)
      await sleep(EVERY_MS)
    }
  }

  async #ask(): Promise<void> {
    while (!this.#stopped) {
      const watched = this.#watched
      for (const path of ['/health/live', '/health/ready']) {
        const start = performance.now()
        const signal = AbortSignal.timeout(TIMEOUT_MS)
        const status = await fetch(`${this.#url}${path}`, { signal }).then(
          async (response) => {
            await response.arrayBuffer()
            return response.status
          },
          () => 0
        )
        watched.slowestHealthMs = Math.max(watched.slowestHealthMs, performance.now() - start)
        if (status !== 200) watched.notReady++
      }
      await sleep(EVERY_MS)
    }
  }
}

function nothingYet(): Watched {
  return { maxMemoryMiB: 0, maxDescriptors: 0, slowestHealthMs: 0, notReady: 0 }
}
