import { FairQueue } from '#bounds/fair-queue.ts'
import { Holdings } from '#bounds/holdings.ts'
import { ApiError } from '#http/errors.ts'
import { currentClient } from './on-behalf-of.ts'

const RETRY_AFTER_S = '2'

/**
 * A 503: one kind of work has used up its share of the database, and its queue is full. Other kinds are not affected.
 */
export class BusyError extends ApiError {
  constructor(kind: string) {
    super(503, 'BUSY', `too many ${kind} at the moment: try again`, { 'Retry-After': RETRY_AFTER_S })
  }
}

/**
 * The client has hung up, so nobody will read the answer. The status 499, as in nginx, appears in logs and metrics
 * only.
 */
export class ClientGoneError extends ApiError {
  constructor() {
    super(499, 'CLIENT_GONE', 'the client has hung up')
  }
}

export interface BulkheadOptions {
  /** Creates the error to throw when there is no room. */
  readonly refusal: () => ApiError
  /** How many tasks may run at a time. */
  readonly limit: number
  /** How many tasks may wait, for all clients together. */
  readonly queue: number
  /** Without it, tasks wait as long as it takes. */
  readonly longestWaitMs?: number
  /** How many tasks one client may have, running or waiting. */
  readonly perClient?: number
}

interface Waiting {
  readonly begin: () => void
  readonly refuse: (error: Error) => void
}

/** A bulkhead: limits one kind of work, so that too much of it cannot keep other kinds from a shared resource. */
export class Bulkhead {
  readonly #options: BulkheadOptions
  readonly #waiting: FairQueue<Waiting>
  readonly #tasksOfClients = new Holdings<string>()
  #running = 0

  constructor(options: BulkheadOptions) {
    this.#options = options
    this.#waiting = new FairQueue(options.queue)
  }

  /** How many tasks are running, and how many are waiting. */
  get state(): { running: number; waiting: number } {
    return { running: this.#running, waiting: this.#waiting.size }
  }

  /**
   * Runs `task` when it is its turn; clients take turns. Throws the refusal if this client has too many tasks, if the
   * queue is full and this client has the most tasks in it, or if the task has waited too long. Throws
   * `ClientGoneError` if `signal` aborts before its turn.
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { perClient, refusal } = this.#options
    const client = currentClient()
    if (client === undefined || perClient === undefined) return this.#run(task, signal)
    if (this.#tasksOfClients.of(client) >= perClient) throw refusal()
    this.#tasksOfClients.add(client)
    try {
      return await this.#run(task, signal)
    } finally {
      this.#tasksOfClients.release(client)
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

  /** Passes the place of a finished task to the next in turn. */
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
    // A task that gives up leaves the queue at once, so that no place is passed to it.
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
