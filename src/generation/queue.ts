import { fromPrisma, type Job, PgBoss } from 'pg-boss'
import type { Database, Transaction } from '#database/database.ts'
import { Prisma } from '#database/generated/client.ts'
import { DatabaseUnusableError } from '#database/unusable.ts'
import type { Log } from '#logging/log.ts'

const QUEUE = 'generation'
/**
 * Entries whose first run has another number than 0. Workers of the version before, which know nothing of such numbers, would take them
 * and leave them undone, so they are in a queue that only later ones know.
 */
const AGAIN_QUEUE = 'generation-again'
const QUEUES = [QUEUE, AGAIN_QUEUE]

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
const QUEUE_OPTIONS = {
  notify: true,
  retryLimit: RETRY_LIMIT,
  retryDelay: RETRY_DELAY_S,
  retryDelayMax: RETRY_DELAY_MAX_S,
  retryBackoff: true,
  expireInSeconds: EXPIRE_S,
  heartbeatSeconds: HEARTBEAT_S
}
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

/** How many runs one process has at a time, of each queue. */
export interface RunsAtOnce {
  readonly first: number
  /** Of those that were retried, and of chapters that are written again. */
  readonly again: number
}

/** The queue of generations, in pg-boss on the service's own database: two of its queues, of which workers work both. */
export class GenerationQueue {
  readonly #boss: PgBoss
  readonly #works: boolean
  readonly #isLookedAfter: () => Promise<boolean>
  /** The ids of the generations that an entry leads to, one that waits or is run: a statement of one column. */
  readonly reachable: Prisma.Sql

  private constructor(boss: PgBoss, works: boolean, { sql }: Database, schema: string) {
    this.#boss = boss
    this.#works = works
    this.#isLookedAfter = async () => {
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
   * Opens the queue. `works`: this process will call `work`; `migrate`: its tables are made or changed where that is needed.
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
      // What the others see of it (`check`).
      registerInstance: works,
      instanceName: 'worker',
      instanceHeartbeatSeconds: HEARTBEAT_S,
      // A run belongs to the trace of the request that asked for it. Without a tracer there is nothing to keep.
      openTelemetry: { propagateContext: true }
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
        throw unmigrated(error)
      })
      if (migrate) for (const queue of QUEUES) await boss.createQueue(queue, QUEUE_OPTIONS)
    }, log)
    for (const queue of QUEUES) {
      // Makes pg-boss know the queue: inside a transaction of the embedded database it could not ask for it.
      await boss.findJobs(queue, { limit: 1 }).catch((error) => {
        throw migrate ? error : unmigrated(error)
      })
    }
    return new GenerationQueue(boss, works, database, options.schema ?? 'pgboss')
  }

  /**
   * Enqueues a generation in the transaction that writes it, with the number of its first run. Of two that wait, the one with the higher
   * priority is first. Fair queueing: a priority of minus as many as its user has under way lets a first one pass them all.
   */
  async enqueue(tx: Transaction, id: string, priority: number, firstAttempt = 0): Promise<void> {
    const [queue, entry] = firstAttempt === 0 ? [QUEUE, { id }] : [AGAIN_QUEUE, {}]
    await this.#boss.send(queue, { id, firstAttempt } satisfies Entry, { ...entry, priority, db: fromPrisma(tx) })
  }

  /** Hands runs to `run`; one that rejects is run again, by whichever worker is free, with a delay. */
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

  /** Whether anybody works at it; a worker that has died counts for 30 s. Rejects when the queue cannot be asked. */
  async check(): Promise<'up' | 'no-workers'> {
    return (await this.countWorkers()) > 0 ? 'up' : 'no-workers'
  }

  /**
   * How many processes work at it. Those of the version before do not register, and count as one where there are no others: only workers
   * look for jobs of dead ones, every `SUPERVISE_S`. Rejects when the queue cannot be asked.
   */
  async countWorkers(): Promise<number> {
    const workers = await this.#boss.getInstances({ limit: MOST_WORKERS })
    const alive = workers.filter(({ live }) => live).length
    return alive === 0 && (await this.#isLookedAfter()) ? 1 : alive
  }

  /** Takes no more runs, and waits `graceMs` at most for those that are under way. */
  async close(graceMs: number): Promise<void> {
    await this.#boss.stop({ graceful: this.#works, timeout: graceMs, close: true })
  }
}

function unmigrated({ message }: Error): DatabaseUnusableError {
  return new DatabaseUnusableError(`MIGRATE=none, and the job queue: ${message}; npm run migrate`)
}
