import { fromPrisma, type Job, PgBoss } from 'pg-boss'
import type { Database, Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { DatabaseUnusableError } from '#database/unusable.ts'
import type { Log } from '#logging/log.ts'

const QUEUE = 'generation'
/**
 * Entries whose first run has a number other than 0. Workers of older versions do not know such numbers and would drop
 * the entries, so these are in a queue that old workers do not read.
 */
const AGAIN_QUEUE = 'generation-again'
const QUEUES = [QUEUE, AGAIN_QUEUE]

/** A worker without a heartbeat for this long is dead, and its job goes to another one; pg-boss's minimum. */
const HEARTBEAT_S = 10
const HEARTBEAT_REFRESH_S = 3
/** How often workers look for the jobs of dead workers. */
const SUPERVISE_S = 3
/** No generation takes this long; after it, the job is taken from its worker. */
const EXPIRE_S = 6 * 3600
/** How often a worker polls. It is notified of new jobs, but not of jobs to be retried. */
const POLL_S = 2
/**
 * Far more than `MAX_ATTEMPTS` of the worker, which fails the generation with a message; the queue would give up
 * silently.
 */
const RETRY_LIMIT = 1000
const RETRY_DELAY_S = 1
const RETRY_DELAY_MAX_S = 30
const QUEUE_OPTIONS = {
  notify: true,
  retryLimit: RETRY_LIMIT,
  retryDelay: RETRY_DELAY_S,
  retryDelayMax: RETRY_DELAY_MAX_S,
  retryBackoff: true,
  expireInSeconds: EXPIRE_S,
  heartbeatSeconds: HEARTBEAT_S
}
/** The latest workers to look at; pg-boss keeps those of the last days. */
const MOST_WORKERS = 100

/**
 * Runs of a generation are numbered; each retry by the user starts at the next multiple of this, which is far more than
 * `RETRY_LIMIT`.
 */
const ROUND = 10_000

/** How often the user had retried the generation before the run with this number. */
export function roundOf(attempt: number): number {
  return Math.floor(attempt / ROUND)
}

/**
 * The number of the first run after a retry: higher than that of any run so far, or of any that an old queue entry may
 * still start.
 */
export function nextRound(attempt: number): number {
  return (roundOf(attempt) + 1) * ROUND
}

/** One run of a generation. */
export interface QueuedRun {
  readonly id: string
  /** The number of the run: the run with the highest number owns the generation. */
  readonly attempt: number
  /** How many runs have failed since it was enqueued. */
  readonly tries: number
  /** Aborts when the queue declares this run dead or expired. */
  readonly signal: AbortSignal
}

/** The payload of a job; older versions enqueued it without `firstAttempt`. */
interface Entry {
  readonly id: string
  readonly firstAttempt?: number
}

/** How many runs one process has at a time, per queue. */
export interface RunsAtOnce {
  readonly first: number
  /** Retries and chapter rewrites. */
  readonly again: number
}

/** The queue of generations: two pg-boss queues in the service's own database. Workers process both. */
export class GenerationQueue {
  readonly #boss: PgBoss
  readonly #works: boolean
  readonly #isSupervised: () => Promise<boolean>
  /** A query of one column: the ids of the generations that have a waiting or active entry. */
  readonly reachable: Prisma.Sql

  private constructor(boss: PgBoss, works: boolean, { sql }: Database, schema: string) {
    this.#boss = boss
    this.#works = works
    this.#isSupervised = async () => {
      const [queue] = await sql.query<{ isSo: boolean }>(
        `select monitor_claim_on > now() - interval '${HEARTBEAT_S} s' as "isSo" from "${schema}".queue where name = $1`,
        [QUEUE]
      )
      return queue?.isSo === true
    }
    this.reachable = Prisma.sql`
      select coalesce(data ->> 'id', '') from ${Prisma.raw(`"${schema}".job`)}
      where name in (${Prisma.join(QUEUES)}) and state in ('created', 'retry', 'active')`
  }

  /**
   * Opens the queue. `works`: this process will call `work`; `migrate`: create or update the queue's tables if needed.
   * Throws `DatabaseUnusableError`.
   */
  static async open(
    database: Database,
    { works, migrate }: { works: boolean; migrate: boolean },
    log: Log
  ): Promise<GenerationQueue> {
    const options = await database.queue()
    const boss = new PgBoss({
      ...options,
      migrate,
      schedule: false,
      useListenNotify: works,
      supervise: works,
      superviseIntervalSeconds: SUPERVISE_S,
      monitorIntervalSeconds: SUPERVISE_S,
      // Makes this worker visible to `check` in other processes.
      registerInstance: works,
      instanceName: 'worker',
      instanceHeartbeatSeconds: HEARTBEAT_S,
      // A run belongs to the trace of the request that started it. Does nothing without a tracer.
      openTelemetry: { propagateContext: true }
    })
    let failing = false
    boss.on('error', (err) => {
      // One line per outage, not one per attempt.
      if (!failing) log.error({ err }, 'the job queue is unavailable: retrying until it is back; check the database')
      failing = true
      setTimeout(() => {
        failing = false
      }, 60_000).unref()
    })
    boss.on('warning', (warning) => log.debug({ warning }, 'job queue'))
    await database.exclusively(async () => {
      await boss.start().catch((error) => {
        if (migrate || /permission denied/.test(error.message)) throw DatabaseUnusableError.of(error)
        throw unmigrated(error)
      })
      if (migrate) for (const queue of QUEUES) await boss.createQueue(queue, QUEUE_OPTIONS)
    }, log)
    for (const queue of QUEUES) {
      // Lets pg-boss load and cache the queue: inside a transaction of the embedded database it could not.
      await boss.findJobs(queue, { limit: 1 }).catch((error) => {
        throw migrate ? error : unmigrated(error)
      })
    }
    return new GenerationQueue(boss, works, database, options.schema ?? 'pgboss')
  }

  /**
   * Enqueues a generation in the transaction that writes it, with the number of its first run. Entries with a higher
   * priority run first. Fair queueing: callers pass minus the number of the user's unfinished generations, so a user's
   * first one overtakes.
   */
  async enqueue(tx: Transaction, id: string, priority: number, firstAttempt = 0): Promise<void> {
    const [queue, entry] = firstAttempt === 0 ? [QUEUE, { id }] : [AGAIN_QUEUE, {}]
    await this.#boss.send(queue, { id, firstAttempt } satisfies Entry, { ...entry, priority, db: fromPrisma(tx) })
  }

  /** Passes runs to `run`; if it rejects, any free worker runs the job again after a delay. */
  async work({ first, again }: RunsAtOnce, run: (run: QueuedRun) => Promise<void>): Promise<void> {
    const options = {
      pollingIntervalSeconds: POLL_S,
      notifyPollingIntervalSeconds: POLL_S,
      heartbeatRefreshSeconds: HEARTBEAT_REFRESH_S
    }
    const take = async ([job]: Job<Entry>[]) => {
      if (job === undefined) return
      const { data, retryCount: tries, signal } = job
      await run({ id: data.id, attempt: (data.firstAttempt ?? 0) + tries, tries, signal })
    }
    await this.#boss.work(QUEUE, { ...options, localConcurrency: first }, take)
    await this.#boss.work(AGAIN_QUEUE, { ...options, localConcurrency: again }, take)
  }

  /** Whether there are workers; a dead one still counts for 30 s. Rejects when the queue cannot be queried. */
  async check(): Promise<'up' | 'no-workers'> {
    return (await this.countWorkers()) > 0 ? 'up' : 'no-workers'
  }

  /**
   * The number of worker processes. Workers of older versions do not register; they count as one where there are no
   * others, and are noticed because only workers supervise the queue (every `SUPERVISE_S`). Rejects when the queue
   * cannot be queried.
   */
  async countWorkers(): Promise<number> {
    const workers = await this.#boss.getInstances({ limit: MOST_WORKERS })
    const alive = workers.filter(({ live }) => live).length
    return alive === 0 && (await this.#isSupervised()) ? 1 : alive
  }

  /** Takes no more runs, and waits at most `graceMs` for those under way. */
  async close(graceMs: number): Promise<void> {
    await this.#boss.stop({ graceful: this.#works, timeout: graceMs, close: true })
  }
}

function unmigrated({ message }: Error): DatabaseUnusableError {
  return new DatabaseUnusableError(`MIGRATE=none, and the job queue: ${message}; npm run migrate`)
}
