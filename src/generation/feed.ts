import { NotFoundError } from '#http/errors.ts'
import type { Log } from '#logging/log.ts'
import type { GenerationRecord } from './records.ts'
import { isOver } from './shapes.ts'

/** How often what is followed is read again though nobody said that it changed, in ms: a notification may be lost. */
const POLL_MS = 3000

export interface FeedOptions {
  /** The generation as it is in the database now; throws `NotFoundError` when it was deleted. */
  readonly read: (id: string) => Promise<GenerationRecord>
  readonly log: Log
}

/**
 * Who follows generations in this process, whichever process runs them. `changed` is called with what the database
 * announces; between announcements, what is followed is polled slowly.
 */
export class GenerationFeed {
  readonly #options: FeedOptions
  readonly #watched = new Map<string, Set<() => void>>()
  readonly #closing = new AbortController()
  readonly #reads = new Map<string, Promise<GenerationRecord>>()
  #changes = 0
  #timer: NodeJS.Timeout | null = null

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** How many follow something. */
  get followers(): number {
    let count = 0
    for (const wakers of this.#watched.values()) count += wakers.size
    return count
  }

  /** Wakes who follows the generation; null: any may have changed. */
  changed(id: string | null): void {
    this.#changes++
    const woken = id === null ? [...this.#watched.values()] : [this.#watched.get(id)]
    for (const wakers of woken) for (const wake of wakers ?? []) wake()
  }

  /** Lets everybody go: the process stops. Followers come back to another one. */
  close(): void {
    this.#closing.abort()
    this.changed(null)
  }

  /**
   * The generation as it is now, unless its revision is `seen`, then again each time it has changed; what changes while the
   * reader is busy is told once. Ends when the generation is over or deleted, and when `signal` aborts.
   */
  async *follow(id: string, seen: number | null, signal: AbortSignal): AsyncGenerator<GenerationRecord> {
    let awake = Promise.withResolvers<void>()
    const wake = () => awake.resolve()
    const leave = () => {
      this.#leave(id, wake)
      wake()
    }
    if (signal.aborted) return
    // On the signal, not at the end of this function: a reader that never comes back must not be kept.
    signal.addEventListener('abort', leave, { once: true })
    this.#join(id, wake)
    try {
      let last = seen
      while (!signal.aborted && !this.#closing.signal.aborted) {
        awake = Promise.withResolvers()
        const record = await this.#read(id)
        if (record === null) return
        if (record !== 'unknown' && record.revision !== last) {
          last = record.revision
          yield record
        }
        if (record !== 'unknown' && isOver(record.generation)) return
        if (!this.#closing.signal.aborted) await awake.promise
      }
    } finally {
      signal.removeEventListener('abort', leave)
      this.#leave(id, wake)
    }
  }

  /** Null when it was deleted; unknown while it cannot be read. */
  async #read(id: string): Promise<GenerationRecord | null | 'unknown'> {
    try {
      return await this.#readOnce(id)
    } catch (err) {
      if (err instanceof NotFoundError) return null
      this.#options.log.debug({ err, id }, 'a generation that is followed cannot be read: tried again')
      return 'unknown'
    }
  }

  /** One read for all who follow it, but not one that began before the last announcement. */
  #readOnce(id: string): Promise<GenerationRecord> {
    const name = `${id} ${this.#changes}`
    const underway = this.#reads.get(name)
    if (underway !== undefined) return underway
    const read = this.#options.read(id).finally(() => this.#reads.delete(name))
    this.#reads.set(name, read)
    return read
  }

  #join(id: string, wake: () => void): void {
    const wakers = this.#watched.get(id) ?? new Set()
    this.#watched.set(id, wakers.add(wake))
    this.#timer ??= setInterval(() => this.changed(null), POLL_MS).unref()
  }

  #leave(id: string, wake: () => void): void {
    const wakers = this.#watched.get(id)
    wakers?.delete(wake)
    if (wakers?.size === 0) this.#watched.delete(id)
    if (this.#watched.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }
}
