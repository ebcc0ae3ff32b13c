import { fromPrisma, type Job, PgBoss } from 'pg-boss'
import type { Database, Transaction } from '#database/database.ts'
import { DatabaseUnusableError } from '#database/unusable.ts'
import type { Log } from '#logging/log.ts'

const QUEUE = 'generation'

/** A worker that says nothing for so long is dead, and its job goes to another; the shortest that pg-boss has. */
const HEARTBEAT_S = 10
const HEARTBEAT_REFRESH_S = 3
/** How often the workers look for jobs of dead ones. */
const SUPERVISE_S = 3
/** No generation takes that long; one that seems to is taken from its worker. */
const EXPIRE_S = 6 * 3600
/** How often a worker asks, beside being notified of new jobs: of those to be run again nobody notifies it. */
const POLL_S = 2
/** Far more than `MAX_ATTEMPTS` of the worker, which gives up with a message; the queue itself would say nothing to anybody. */
const RETRY_LIMIT = 1000
const RETRY_DELAY_S = 1
const RETRY_DELAY_MAX_S = 30
/** Of those that there were in the last days, the latest. */
const MOST_WORKERS = 100

/** Runs of a generation are numbered, and those of each retry begin at the next multiple of this: far more than `RETRY_LIMIT`. */
const ROUND = 10_000

/** How often a generation had been retried before the run with this number. */
export function roundOf(attempt: number): number {
  return Math.floor(attempt / ROUND)
}

/** The number of the first run after a retry: later than all that were, or that an entry of before in the queue may still lead to. */
export function nextRound(attempt: number): number {
  return (roundOf(attempt) + 1) * ROUND
}

/** One run of a generation. */
export interface QueuedRun {
  readonly id: string
  /** Its number: of two, the later one has the generation. */
  readonly attempt: number
  /** How many runs have ended since it was enqueued. */
  readonly tries: number
  /** Aborts when the queue holds this run for dead or too long. */
  readonly signal: AbortSignal
}

/** What is in the queue; what older versions put there has no `firstAttempt`. */
interface Entry {
  readonly id: string
  readonly firstAttempt?: number
}

/** The queue of generations, in pg-boss on the service's own database. */
export class GenerationQueue {
  readonly #boss: PgBoss
  readonly #works: boolean

  private constructor(boss: PgBoss, works: boolean) {
    this.#boss = boss
    this.#works = works
  }

  /**
   * Opens the queue. `works`: this process will call `work`; `migrate`: its tables are made or changed where that is needed.
   * Throws `DatabaseUnusableError`.
   */
  static async open(
    database: Database,
    { works, migrate }: { works: boolean; migrate: boolean },
    log: Log
  ): Promise<GenerationQueue> {
    const boss = new PgBoss({
      ...(await database.queue()),
      migrate,
      schedule: false,
      useListenNotify: works,
      supervise: works,
      superviseIntervalSeconds: SUPERVISE_S,
      monitorIntervalSeconds: SUPERVISE_S,
      // What the others see of it (`check`).
      registerInstance: works,
      instanceName: 'worker',
      instanceHeartbeatSeconds: HEARTBEAT_S
    })
    let failing = false
    boss.on('error', (err) => {
      // One line an outage, not one an attempt.
      if (!failing) log.error({ err }, 'the job queue cannot be used: tried again until it can; check the database')
      failing = true
      setTimeout(() => {
        failing = false
      }, 60_000).unref()
    })
    boss.on('warning', (warning) => log.debug({ warning }, 'job queue'))
    await database.exclusively(async () => {
      await boss.start().catch((error) => {
        if (migrate || /permission denied/.test(error.message)) throw DatabaseUnusableError.of(error)
        throw new DatabaseUnusableError(`MIGRATE=none, and the job queue: ${error.message}; npm run migrate`)
      })
      if (!migrate) return
      await boss.createQueue(QUEUE, {
        notify: true,
        retryLimit: RETRY_LIMIT,
        retryDelay: RETRY_DELAY_S,
        retryDelayMax: RETRY_DELAY_MAX_S,
        retryBackoff: true,
        expireInSeconds: EXPIRE_S,
        heartbeatSeconds: HEARTBEAT_S
      })
    }, log)
    // Makes pg-boss know the queue: inside a transaction of the embedded database it could not ask for it.
    await boss.findJobs(QUEUE, { limit: 1 })
    return new GenerationQueue(boss, works)
  }

  /**
   * Enqueues a generation in the transaction that writes it, with the number of its first run. Of two that wait, the one with the higher
   * priority is first. Fair queueing: a priority of minus as many as its user has under way lets a first one pass them all.
   */
  async enqueue(tx: Transaction, id: string, priority: number, firstAttempt = 0): Promise<void> {
    const entry = firstAttempt === 0 ? { id } : {}
    await this.#boss.send(QUEUE, { id, firstAttempt } satisfies Entry, { ...entry, priority, db: fromPrisma(tx) })
  }

  /** Hands runs to `run`, `concurrency` at a time; one that rejects is run again, by whichever worker is free, with a delay. */
  async work(concurrency: number, run: (run: QueuedRun) => Promise<void>): Promise<void> {
    const options = {
      localConcurrency: concurrency,
      pollingIntervalSeconds: POLL_S,
      notifyPollingIntervalSeconds: POLL_S,
      heartbeatRefreshSeconds: HEARTBEAT_REFRESH_S
    }
    await this.#boss.work(QUEUE, options, async ([job]: Job<Entry>[]) => {
      if (job === undefined) return
      const { data, retryCount: tries, signal } = job
      await run({ id: data.id, attempt: (data.firstAttempt ?? 0) + tries, tries, signal })
    })
  }

  /** Whether anybody works at it; a worker that has died counts for 30 s. Rejects when the queue cannot be asked. */
  async check(): Promise<'up' | 'no-workers'> {
    return (await this.countWorkers()) > 0 ? 'up' : 'no-workers'
  }

  /** How many processes work at it. Rejects when the queue cannot be asked. */
  async countWorkers(): Promise<number> {
    const workers = await this.#boss.getInstances({ limit: MOST_WORKERS })
    return workers.filter(({ live }) => live).length
  }

  /** Takes no more runs, and waits `graceMs` at most for those that are under way. */
  async close(graceMs: number): Promise<void> {
    await this.#boss.stop({ graceful: this.#works, timeout: graceMs, close: true })
  }
}
