import { setTimeout as sleep } from 'node:timers/promises'
import { MOST_COUNTED } from './counts.ts'
import type { Query, Sql } from './sql.ts'

/** How long applied rows are kept, for a replay when Redis may have lost the latest stamps. */
const RETENTION = '5 minutes'
/** How many rows one statement reads, marks or deletes, so that it is short whatever the backlog. */
const BATCH_SIZE = 2000
/**
 * How long acknowledgements are batched, in ms, so that not every write costs a statement. Shorter than the sweeper's
 * minimum age.
 */
const ACKNOWLEDGE_AFTER_MS = 50
const HAND_OVER_POLL_MS = 20

/** The channel on which transactions from outside the service, and instances without Redis, wake the sweepers. */
export const CHANNEL = 'cache_invalidation'
const FROM_INSTANCE = 'instance'
/** True if the notification came from a trigger, and so from a transaction outside the service. */
export function isFromOutside(payload: string | null): boolean {
  return payload === ''
}

/** Invalidates the tags; rejects if that failed. */
export type Apply = (tags: string[]) => Promise<void>

/**
 * The outbox, the table `cache_invalidation`: the tags that committed transactions touched, and whether they were
 * applied in Redis. Its own writes touch no tag. Long operations run in batches, and end with the current batch when
 * the service stops.
 */
export class Outbox {
  readonly #sql: Sql
  readonly #stopped = new AbortController()
  #acknowledged: (bigint | string)[] = []
  #flushing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /**
   * Passes tags that have been pending for at least `ageMs` to `apply`, and marks them applied when that resolves.
   * Skips rows that another sweeper is working on. Resolves to the number of rows; there may be more.
   */
  async sweep(ageMs: number, apply: Apply): Promise<number> {
    // With a full batch of rows waiting to be marked, it would apply those again.
    if (this.#stopped.signal.aborted || this.#acknowledged.length > BATCH_SIZE) return 0
    if (!(await this.#hasPending(ageMs))) return 0
    return this.#sql.transaction(async (query) => {
      const rows = await query<Row>(
        `select id::text, tag from cache_invalidation
         where applied_at is null and created_at <= clock_timestamp() - $1 * interval '1 millisecond'
         order by applied_at, id limit ${BATCH_SIZE} for update skip locked`,
        [ageMs]
      )
      if (rows.length === 0) return 0
      await apply(distinctTags(rows))
      await mark(query, ids(rows))
      return rows.length
    })
  }

  /**
   * Passes every tag in the table to `apply`, and marks pending ones as applied shortly after. It takes all of them,
   * not only recent ones: Redis may have lost stamps from before an outage of any length. Rejects when the service
   * stops.
   */
  async replay(apply: Apply): Promise<void> {
    const [begun] = await this.#sql.query<{ horizon: string }>(
      'select pg_snapshot_xmin(pg_current_snapshot())::text as horizon'
    )
    for (let after = '0'; ; ) {
      this.#stopped.signal.throwIfAborted()
      const rows = await this.#sql.query<Row & { pending: boolean }>(
        `select id::text, tag, applied_at is null as pending from cache_invalidation
         where id > $1::text::bigint order by id limit ${BATCH_SIZE}`,
        [after]
      )
      const last = rows.at(-1)
      if (last === undefined) break
      await this.#applyAll(rows, apply)
      after = last.id
    }
    // Transactions that were in progress when this began may have inserted smaller ids.
    const late = await this.#sql.query<Row>(
      `select id::text, tag from cache_invalidation where applied_at is null and xid >= $1::text::xid8`,
      [begun?.horizon]
    )
    if (late.length > 0) await this.#applyAll(late, apply)
  }

  async #applyAll(rows: readonly (Row & { pending?: boolean })[], apply: Apply): Promise<void> {
    await apply(distinctTags(rows))
    this.acknowledge(rows.filter(({ pending = true }) => pending).map(({ id }) => id))
  }

  /**
   * Marks rows as applied, shortly after and in batches. If this is lost, the row is applied twice, which costs a miss.
   */
  acknowledge(ids: readonly (bigint | string)[]): void {
    for (const id of ids) this.#acknowledged.push(id)
    this.#timer ??= setTimeout(() => this.flush().catch(() => {}), ACKNOWLEDGE_AFTER_MS)
  }

  /**
   * Marks acknowledged rows. When the service stops this ends after one batch; the remaining rows will be applied
   * again.
   */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#markAcknowledged())
    return this.#flushing
  }

  async #markAcknowledged(): Promise<void> {
    while (this.#acknowledged.length > 0) {
      await mark(this.#sql.query, this.#acknowledged.splice(0, BATCH_SIZE))
      if (this.#stopped.signal.aborted) return
    }
  }

  /** Ends long operations after their current batch. */
  stop(): void {
    this.#stopped.abort(new Error('the service is stopping'))
  }

  /** Wakes the sweepers of all instances. */
  async wake(): Promise<void> {
    await this.#sql.query(`select pg_notify('${CHANNEL}', '${FROM_INSTANCE}')`)
  }

  /**
   * Asks the sweepers of the other instances to apply these rows, and waits until they have, for at most `timeoutMs`.
   */
  async handOver(ids: readonly bigint[], timeoutMs: number): Promise<void> {
    const giveUpAt = performance.now() + timeoutMs
    await this.wake()
    while ((await this.#pending(ids)) > 0 && performance.now() < giveUpAt) await sleep(HAND_OVER_POLL_MS)
  }

  async #pending(ids: readonly bigint[]): Promise<number> {
    const [row] = await this.#sql.query<{ pending: number }>(
      `select count(*)::int as pending from cache_invalidation join unnest($1::text::bigint[]) as row (id) using (id)
       where applied_at is null`,
      [list(ids)]
    )
    return row?.pending ?? 0
  }

  /** Deletes rows that were applied more than five minutes ago. */
  async prune(): Promise<void> {
    for (let deleted = BATCH_SIZE; deleted === BATCH_SIZE && !this.#stopped.signal.aborted; ) {
      const rows = await this.#sql.query(
        `delete from cache_invalidation where id in (
           select id from cache_invalidation
           where applied_at < clock_timestamp() - interval '${RETENTION}' limit ${BATCH_SIZE} for update skip locked
         ) returning 1`
      )
      deleted = rows.length
    }
  }

  /** The number of pending rows, at most `MOST_COUNTED`: after a long outage there may be millions. */
  async depth(): Promise<number> {
    const [row] = await this.#sql.query<{ depth: number }>(
      `select count(*)::int as depth from (
         select from cache_invalidation where applied_at is null limit ${MOST_COUNTED}) as counted`
    )
    return row?.depth ?? 0
  }

  /** The age of the oldest pending row, in ms; 0 if there is none. */
  async lagMs(): Promise<number> {
    const [row] = await this.#sql.query<{ lag: number }>(
      `select (extract(epoch from clock_timestamp() - created_at) * 1000)::float8 as lag
       from cache_invalidation where applied_at is null order by applied_at, id limit 1`
    )
    return Math.max(0, row?.lag ?? 0)
  }

  async #hasPending(ageMs: number): Promise<boolean> {
    const rows = await this.#sql.query(
      `select from cache_invalidation
       where applied_at is null and created_at <= clock_timestamp() - $1 * interval '1 millisecond' limit 1`,
      [ageMs]
    )
    return rows.length > 0
  }
}

/** The id is text because the two drivers return bigints differently. */
interface Row {
  readonly id: string
  readonly tag: string
}

/**
 * Uses a join, which is linear in the number of ids, where `id = any(...)` is quadratic; and their range, so that no
 * plan reads the whole table. Skips rows that another process is marking, to avoid deadlocks.
 */
async function mark(query: Query, ids: readonly (bigint | string)[]): Promise<void> {
  if (ids.length === 0) return
  await query(
    `update cache_invalidation set applied_at = clock_timestamp()
     where id between (select min(id) from unnest($1::text::bigint[]) as row (id))
       and (select max(id) from unnest($1::text::bigint[]) as row (id))
       and id in (
         select id from unnest($1::text::bigint[]) as row (id)
         join lateral (
           select from cache_invalidation where id = row.id and applied_at is null for update skip locked
         ) as waiting on true
       )`,
    [list(ids)]
  )
}

function ids(rows: readonly Row[]): string[] {
  return rows.map(({ id }) => id)
}

/** A PostgreSQL array as text, because the two drivers treat arrays differently, too. */
function list(ids: readonly (bigint | string)[]): string {
  return `{${ids.join()}}`
}

function distinctTags(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ tag }) => tag))]
}
