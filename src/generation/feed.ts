import { NotFoundError } from '#http/errors.ts'
import type { Log } from '#logging/log.ts'
import type { GenerationRecord } from './records.ts'
import { isOver } from './shapes.ts'

/** How often followed generations are read without a notification, in ms: one may have been lost. */
const POLL_MS = 3000

export interface FeedOptions {
  /** The generation as it is in the database now; throws `NotFoundError` when it was deleted. */
  readonly read: (id: string) => Promise<GenerationRecord>
  readonly log: Log
}

/**
 * The followers of generations in this process, whichever process runs the generation. `changed` is called with the
 * database's notifications; between them, followed generations are polled slowly.
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

  /** The number of followers. */
  get followers(): number {
    let count = 0
    for (const wakers of this.#watched.values()) count += wakers.size
    return count
  }

  /** Wakes the followers of the generation; null: any generation may have changed. */
  changed(id: string | null): void {
    this.#changes++
    const woken = id === null ? [...this.#watched.values()] : [this.#watched.get(id)]
    for (const wakers of woken) for (const wake of wakers ?? []) wake()
  }

  /** Ends all followers, because the process stops. Clients reconnect to another one. */
  close(): void {
    this.#closing.abort()
    this.changed(null)
  }

  /**
   * Yields the generation as it is now, unless its revision is `seen`, and again after each change; changes made while
   * the consumer is busy are coalesced. Ends when the generation is finished or deleted, and when `signal` aborts.
   */
  async *follow(id: string, seen: number | null, signal: AbortSignal): AsyncGenerator<GenerationRecord> {
    let awake = Promise.withResolvers<void>()
    const wake = () => awake.resolve()
    const leave = () => {
      this.#leave(id, wake)
      wake()
    }
    if (signal.aborted) return
    // On the signal as well as in `finally`: a consumer that never asks for the next value must not leak.
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

  /** Null if it was deleted; `unknown` while it cannot be read. */
  async #read(id: string): Promise<GenerationRecord | null | 'unknown'> {
    try {
      return await this.#readOnce(id)
    } catch (err) {
      if (err instanceof NotFoundError) return null
      this.#options.log.debug({ err, id }, 'cannot read a followed generation: retrying')
      return 'unknown'
    }
  }

  /** One read for all followers, but never one that began before the last notification. */
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
