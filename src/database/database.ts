import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import type { ConstructorOptions } from 'pg-boss'
import type { Log } from '#logging/log.ts'
import { Cancellation } from './cancellation.ts'
import type { CommitListener, Invalidation, Watcher } from './commits.ts'
import { type Prisma, PrismaClient } from './generated/client.ts'
import { guarded, refuseInsideWrite, retrying, runInsideWrite } from './guard.ts'
import type { Notified } from './notifications.ts'
import { Outbox } from './outbox.ts'
import type { Rights } from './rights.ts'
import { KINDS, type Kind, type Shares } from './shares.ts'
import type { Sql } from './sql.ts'
import { transactionTimeout, withoutTimeouts } from './timeouts.ts'
import { isConnectionLost, isSafeToRetry, READ_ONLY, sqlState } from './unavailable.ts'

/** How long a transaction waits for a connection: as long as anything else does (`pool.ts`). */
const MAX_WAIT_MS = 5000

/** Asks whether the database can be written to: a lock of a row is a write, which a standby refuses. */
const CHECK = 'select 1 from cache_store for key share skip locked'

export type Transaction = Prisma.TransactionClient

export interface DatabaseParts {
  readonly adapter: SqlMigrationAwareDriverAdapterFactory
  /** Plain SQL on connections of its own, where a write may hold the last of the others until it is done. */
  readonly sql: Sql
  /** Plain SQL on connections that nothing else uses, so that it never waits behind users: questions after the health, and cancels. */
  readonly control: Sql
  readonly shares: Shares
  /** How long one statement may take; 0 is no limit. */
  readonly statementTimeoutMs: number
  /** Many connections: a statement on one can be cancelled by another, and each change is a transaction with timeouts. */
  readonly pooled: boolean
  readonly rights: Rights
  readonly exclusively: <T>(task: () => Promise<T>, log: Log) => Promise<T>
  /** Calls back when a transaction announces something on the channel, until the function that it gives is called. */
  readonly listen: (channel: string, notified: Notified) => Promise<() => Promise<void>> | (() => Promise<void>)
  readonly queue: () => Promise<QueueDatabase>
  readonly release: () => Promise<void>
}

/** A database as pg-boss takes it. */
export type QueueDatabase = Pick<ConstructorOptions, 'db' | 'backend' | 'schema' | 'createSchema'>

/** The database, whichever it is. */
export class Database implements Watcher {
  /** Whatever it writes is invalidated after the commit and before the write resolves (`commits.ts`); guarded by `guard.ts`. */
  readonly client: PrismaClient
  readonly outbox: Outbox
  readonly #parts: DatabaseParts
  readonly #prisma: PrismaClient
  /** The tags that were touched since somebody began to watch. */
  #watched: Set<string> | null = null
  // Until somebody listens, invalidations stay in the outbox, for a sweeper.
  #listener: CommitListener = async () => {}

  constructor(parts: DatabaseParts) {
    this.#parts = parts
    this.#prisma = new PrismaClient({ adapter: parts.adapter, errorFormat: 'minimal' })
    this.client = guarded(this.#prisma, parts.shares, parts.pooled)
    this.outbox = new Outbox(parts.sql)
  }

  /** What the migration engine runs on. */
  get adapter(): SqlMigrationAwareDriverAdapterFactory {
    return this.#parts.adapter
  }

  /** Plain SQL, beside the connections of the client. */
  get sql(): Sql {
    return this.#parts.sql
  }

  get rights(): Rights {
    return this.#parts.rights
  }

  /**
   * Runs `task` in one transaction and invalidates once, after its commit; a rollback invalidates nothing. Inside, use
   * `tx` only: what the client itself does would not be part of the transaction, and throws. A transaction that PostgreSQL
   * has rolled back, for a deadlock as a rule, is run again.
   */
  async write<T>(task: (tx: Transaction) => Promise<T>, options?: { timeout?: number }): Promise<T> {
    refuseInsideWrite()
    // Awaited inside: a query of Prisma begins when it is awaited, and must be found here then.
    const transaction = () =>
      this.#prisma.$transaction((tx) => runInsideWrite(async () => await task(tx)), {
        ...this.#limits,
        ...options
      })
    return this.#parts.shares.writes.run(() => retrying(transaction, isSafeToRetry))
  }

  get #limits() {
    return { maxWait: MAX_WAIT_MS, timeout: transactionTimeout(this.#parts.statementTimeoutMs) }
  }

  /**
   * Runs the reads of `task` on one connection, of the share of `kind`: for what may take long. When `signal` aborts, the statement under
   * way is cancelled. Throws `BusyError`, and `ClientGoneError` where it was cancelled. Inside, use `tx` only.
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
    return shares[kind].run(() => retrying(transaction, mayRetry), signal)
  }

  /**
   * Whether it answers, and can be written to. Rejects where it does not answer. It asks on a connection of its own: a pool that is full
   * does not make the database down.
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

  /** How much of each kind of work runs, and waits for its share of the connections, in this process. */
  work(): ReadonlyMap<Kind, { readonly running: number; readonly waiting: number }> {
    return new Map(KINDS.map((kind) => [kind, this.#parts.shares[kind].state]))
  }

  /** Runs `task` while no other process on this database runs one, and without timeouts: migrations and seeds. */
  exclusively<T>(task: () => Promise<T>, log: Log): Promise<T> {
    return this.#parts.exclusively(() => withoutTimeouts(task), log)
  }

  /** What the job queue connects to. */
  queue(): Promise<QueueDatabase> {
    return this.#parts.queue()
  }

  /**
   * Calls `notified` when a transaction announces something on `channel`, and with null when it may have been missed.
   * The function that this resolves to ends it.
   */
  async listen(channel: string, notified: Notified): Promise<() => Promise<void>> {
    return this.#parts.listen(channel, notified)
  }

  /** From now on `listener` is told of every commit before its write is acknowledged. */
  onCommit(listener: CommitListener): void {
    this.#listener = listener
  }

  committed(invalidations: readonly Invalidation[]): Promise<void> {
    return this.#listener(invalidations)
  }

  touched({ tag }: Invalidation): void {
    this.#watched?.add(tag)
  }

  /** The tags that triggers named while `task` ran, rolled back or not. */
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
