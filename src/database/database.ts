import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import type { ConstructorOptions } from 'pg-boss'
import type { Log } from '#logging/log.ts'
import { Cancellation } from './cancellation.ts'
import type { CommitListener, Invalidation, Watcher } from './commits.ts'
import { type Prisma, PrismaClient } from './generated/client.ts'
import { guarded, refuseInsideWrite, runInsideWrite, withRetries } from './guard.ts'
import type { Notified } from './notifications.ts'
import { Outbox } from './outbox.ts'
import type { Rights } from './rights.ts'
import { KINDS, type Kind, type Shares } from './shares.ts'
import type { Sql } from './sql.ts'
import { transactionTimeout, withoutTimeouts } from './timeouts.ts'
import { isConnectionLost, isSafeToRetry, READ_ONLY, sqlState } from './unavailable.ts'

/** How long a transaction waits for a connection, the same as any other query (`pool.ts`). */
const MAX_WAIT_MS = 5000

/** Checks that the database accepts writes: locking a row counts as a write, so a standby refuses it. */
const CHECK = 'select 1 from cache_store for key share skip locked'

export type Transaction = Prisma.TransactionClient

export interface DatabaseParts {
  readonly adapter: SqlMigrationAwareDriverAdapterFactory
  /** Plain SQL on separate connections: a write may need it while it holds the last connection of the client. */
  readonly sql: Sql
  /**
   * Plain SQL for health checks and cancellations, on connections that nothing else uses, so that these never wait
   * behind users.
   */
  readonly control: Sql
  readonly shares: Shares
  /** How long one statement may take, in ms; 0 means no limit. */
  readonly statementTimeoutMs: number
  /**
   * True if there are several connections: one can cancel a statement on another, and each change is a transaction with
   * timeouts.
   */
  readonly pooled: boolean
  readonly rights: Rights
  readonly exclusively: <T>(task: () => Promise<T>, log: Log) => Promise<T>
  /** Calls back for each notification on the channel, until the returned function is called. */
  readonly listen: (channel: string, notified: Notified) => Promise<() => Promise<void>> | (() => Promise<void>)
  readonly queue: () => Promise<QueueDatabase>
  readonly release: () => Promise<void>
}

/** The options that connect pg-boss to a database. */
export type QueueDatabase = Pick<ConstructorOptions, 'db' | 'backend' | 'schema' | 'createSchema'>

/** The database, PostgreSQL or embedded. */
export class Database implements Watcher {
  /** Its writes invalidate the cache after the commit, before they resolve (`commits.ts`); see also `guard.ts`. */
  readonly client: PrismaClient
  readonly outbox: Outbox
  readonly #parts: DatabaseParts
  readonly #prisma: PrismaClient
  /** Collects touched tags during `tagsTouchedBy`. */
  #watched: Set<string> | null = null
  // Without a listener, invalidations stay in the outbox for a sweeper.
  #listener: CommitListener = async () => {}

  constructor(parts: DatabaseParts) {
    this.#parts = parts
    this.#prisma = new PrismaClient({ adapter: parts.adapter, errorFormat: 'minimal' })
    this.client = guarded(this.#prisma, parts.shares, parts.pooled)
    this.outbox = new Outbox(parts.sql)
  }

  /** For the migration engine. */
  get adapter(): SqlMigrationAwareDriverAdapterFactory {
    return this.#parts.adapter
  }

  /** Plain SQL, on other connections than those of the client. */
  get sql(): Sql {
    return this.#parts.sql
  }

  get rights(): Rights {
    return this.#parts.rights
  }

  /**
   * Runs `task` in one transaction and invalidates once, after its commit; a rollback invalidates nothing. Use only
   * `tx` inside: the client would act outside the transaction, so it throws. A transaction that PostgreSQL rolls back,
   * usually because of a deadlock, is retried.
   */
  async write<T>(task: (tx: Transaction) => Promise<T>, options?: { timeout?: number }): Promise<T> {
    refuseInsideWrite()
    // `await` is needed: a Prisma query only starts when it is awaited, which must happen inside.
    const transaction = () =>
      this.#prisma.$transaction((tx) => runInsideWrite(async () => await task(tx)), {
        ...this.#limits,
        ...options
      })
    return this.#parts.shares.writes.run(() => withRetries(transaction, isSafeToRetry))
  }

  get #limits() {
    return { maxWait: MAX_WAIT_MS, timeout: transactionTimeout(this.#parts.statementTimeoutMs) }
  }

  /**
   * Runs the reads of `task`, which may take long, on one connection of the share of `kind`. When `signal` aborts, the
   * current statement is cancelled. Throws `BusyError`, or `ClientGoneError` if it was cancelled. Use only `tx` inside.
   */
  async read<T>(kind: Kind, task: (tx: Transaction) => Promise<T>, signal?: AbortSignal): Promise<T> {
    refuseInsideWrite()
    const { shares, control, pooled } = this.#parts
    const transaction = () =>
      this.#prisma.$transaction(
        (tx) =>
          runInsideWrite(async () => {
            if (signal === undefined || !pooled) return await task(tx)
            return new Cancellation(control, signal).run(tx, async () => await task(tx))
          }),
        this.#limits
      )
    const mayRetry = (error: unknown) => isSafeToRetry(error) || isConnectionLost(error)
    return shares[kind].run(() => withRetries(transaction, mayRetry), signal)
  }

  /**
   * Whether the database accepts writes. Rejects if it does not answer. This uses a separate connection, so that a full
   * pool does not make the database look down.
   */
  async check(): Promise<'up' | 'read-only'> {
    try {
      await this.#parts.control.query(CHECK)
      return 'up'
    } catch (error) {
      if (sqlState(error) === READ_ONLY) return 'read-only'
      throw error
    }
  }

  /** How many tasks of each kind are running, and waiting for a connection, in this process. */
  work(): ReadonlyMap<Kind, { readonly running: number; readonly waiting: number }> {
    return new Map(KINDS.map((kind) => [kind, this.#parts.shares[kind].state]))
  }

  /** Runs `task`, a migration or seed, without timeouts and while no other process on this database runs one. */
  exclusively<T>(task: () => Promise<T>, log: Log): Promise<T> {
    return this.#parts.exclusively(() => withoutTimeouts(task), log)
  }

  /** The connection options of the job queue. */
  queue(): Promise<QueueDatabase> {
    return this.#parts.queue()
  }

  /**
   * Calls `notified` with each notification on `channel`, and with null when some may have been missed. Resolves to a
   * function that stops this.
   */
  async listen(channel: string, notified: Notified): Promise<() => Promise<void>> {
    return this.#parts.listen(channel, notified)
  }

  /** From now on, calls `listener` after every commit, before the write is acknowledged. */
  onCommit(listener: CommitListener): void {
    this.#listener = listener
  }

  committed(invalidations: readonly Invalidation[]): Promise<void> {
    return this.#listener(invalidations)
  }

  touched({ tag }: Invalidation): void {
    this.#watched?.add(tag)
  }

  /** The tags that triggers reported while `task` ran, whether rolled back or not. */
  async tagsTouchedBy(task: () => Promise<unknown>): Promise<ReadonlySet<string>> {
    const watched = new Set<string>()
    this.#watched = watched
    await task().finally(() => {
      this.#watched = null
    })
    return watched
  }

  async close(): Promise<void> {
    this.outbox.stop()
    await this.outbox.flush().catch(() => {})
    await this.#prisma.$disconnect()
    await this.#parts.release()
  }
}
