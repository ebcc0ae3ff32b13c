import { FairQueue } from '#bounds/fair-queue.ts'
import { Holdings } from '#bounds/holdings.ts'
import { ApiError } from '#http/errors.ts'
import { currentClient } from './on-behalf-of.ts'

const RETRY_AFTER_S = '2'

/** A kind of work has taken its share of the database, and as much waits as may: the others notice nothing. 503. */
export class BusyError extends ApiError {
  constructor(kind: string) {
    super(503, 'BUSY', `too many ${kind} at the moment: try again`, { 'Retry-After': RETRY_AFTER_S })
  }
}

/** The client has hung up, so nobody reads the answer. The status is that of nginx, in logs and metrics only. */
export class ClientGoneError extends ApiError {
  constructor() {
    super(499, 'CLIENT_GONE', 'the client has hung up')
  }
}

export interface BulkheadOptions {
  /** What is thrown where there is no room. */
  readonly refusal: () => ApiError
  /** How much of it runs at a time. */
  readonly limit: number
  /** How much of it may wait for that, of all clients. */
  readonly queue: number
  /** Without it whatever waits has its turn. */
  readonly longestWaitMs?: number
  /** How much of it one client may have under way, running or waiting. */
  readonly ofClient?: number
}

interface Waiting {
  readonly begin: () => void
  readonly refuse: (error: Error) => void
}

/** A bulkhead: one kind of work in its own bounds, so that too much of it does not keep other kinds from a shared resource. */
export class Bulkhead {
  readonly #options: BulkheadOptions
  readonly #waiting: FairQueue<Waiting>
  readonly #ofClients = new Holdings<string>()
  #running = 0

  constructor(options: BulkheadOptions) {
    this.#options = options
    this.#waiting = new FairQueue(options.queue)
  }

  /** How much runs, and how much waits. */
  get state(): { running: number; waiting: number } {
    return { running: this.#running, waiting: this.#waiting.size }
  }

  /**
   * Runs `task` when it is its turn: clients take turns. Throws the refusal where too much waits, of this client or of all of them and this
   * one has the most, or when it has waited too long, and `ClientGoneError` when `signal` aborts before its turn.
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { ofClient, refusal } = this.#options
    const client = currentClient()
    if (client === undefined || ofClient === undefined) return this.#run(task, signal)
    if (this.#ofClients.of(client) >= ofClient) throw refusal()
    this.#ofClients.add(client)
    try {
      return await this.#run(task, signal)
    } finally {
      this.#ofClients.release(client)
    }
  }

  async #run<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) throw new ClientGoneError()
    if (this.#running < this.#options.limit) this.#running++
    else await this.#turn(signal)
    try {
      return await task()
    } finally {
      this.#next()
    }
  }

  /** Hands its place to whoever is next in turn. */
  #next(): void {
    const next = this.#waiting.take()
    if (next === undefined) this.#running--
    else next.begin()
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    const { refusal, longestWaitMs } = this.#options
    const client = currentClient()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting: Waiting = { begin: resolve, refuse: reject }
    // Whoever ends the waiting takes it out of the queue at once, so that a place is handed to nobody who has given up.
    const giveUp = (error: Error) => {
      if (this.#waiting.delete(client, waiting)) reject(error)
    }
    const gone = () => giveUp(new ClientGoneError())
    const timer = longestWaitMs === undefined ? undefined : setTimeout(() => giveUp(refusal()), longestWaitMs)
    signal?.addEventListener('abort', gone)
    this.#waiting.add(client, waiting)?.refuse(refusal())
    try {
      await promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', gone)
    }
  }
}
