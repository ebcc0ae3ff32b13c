import { setTimeout as sleep } from 'node:timers/promises'
import { MOST_COUNTED } from './counts.ts'
import type { Query, Sql } from './sql.ts'

/** How long applied rows are kept, to be applied again when Redis may have lost the last stamps. */
const RETENTION = '5 minutes'
/** How many rows one statement reads, marks or deletes: few enough to take a moment, whatever waits. */
const PORTION = 2000
/** How long acknowledgements are collected, so that writes do not pay for one each. Less than the sweeper's patience. */
const ACKNOWLEDGE_AFTER_MS = 50
const HAND_OVER_POLL_MS = 20

/** The channel on which a transaction from outside the service, or an instance without Redis, wakes the sweepers. */
export const CHANNEL = 'cache_invalidation'
const FROM_INSTANCE = 'instance'
/** True for what a trigger has announced on it: a transaction from outside the service. */
export function isFromOutside(payload: string | null): boolean {
  return payload === ''
}

/** Invalidates the tags; rejects where that did not work. */
export type Apply = (tags: string[]) => Promise<void>

/**
 * The table `cache_invalidation`: which tags committed transactions touched, and whether Redis knows.
 * Its own writes touch no tag. Whatever takes long goes in portions, and ends with the one under way when the service stops.
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
   * Hands the tags that were not applied within `ageMs` to `apply`, and marks them applied when it resolves.
   * Rows that another sweeper works on are left to it. Resolves to the number of rows, of which there may be more.
   */
  async sweep(ageMs: number, apply: Apply): Promise<number> {
    // What waits to be marked need not be applied again.
    if (this.#stopped.signal.aborted || this.#acknowledged.length > PORTION) return 0
    if (!(await this.#hasPending(ageMs))) return 0
    return this.#sql.transaction(async (query) => {
      const rows = await query<Row>(
        `select id::text, tag from cache_invalidation
         where applied_at is null and created_at <= clock_timestamp() - $1 * interval '1 millisecond'
         order by applied_at, id limit ${PORTION} for update skip locked`,
        [ageMs]
      )
      if (rows.length === 0) return 0
      await apply(distinctTags(rows))
      await mark(query, ids(rows))
      return rows.length
    })
  }

  /**
   * Hands every tag that there is to `apply`; what was not applied is marked a little later. All of them, not those of the last
   * minute: what Redis lost, it lost before an outage that may have lasted longer. Rejects when the service stops.
   */
  async replay(apply: Apply): Promise<void> {
    const [begun] = await this.#sql.query<{ horizon: string }>(
      'select pg_snapshot_xmin(pg_current_snapshot())::text as horizon'
    )
    for (let after = '0'; ; ) {
      this.#stopped.signal.throwIfAborted()
      const rows = await this.#sql.query<Row & { pending: boolean }>(
        `select id::text, tag, applied_at is null as pending from cache_invalidation
         where id > $1::text::bigint order by id limit ${PORTION}`,
        [after]
      )
      const last = rows.at(-1)
      if (last === undefined) break
      await this.#applyAll(rows, apply)
      after = last.id
    }
    // Rows of transactions that were under way when this began may have smaller ids.
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

  /** Marks rows applied, a little later, many at once. One that is lost is applied twice, which costs a miss. */
  acknowledge(ids: readonly (bigint | string)[]): void {
    for (const id of ids) this.#acknowledged.push(id)
    this.#timer ??= setTimeout(() => this.flush().catch(() => {}), ACKNOWLEDGE_AFTER_MS)
  }

  /** Marks what was acknowledged; of much when the service stops only a part, the rest is applied again. */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#markAcknowledged())
    return this.#flushing
  }

  async #markAcknowledged(): Promise<void> {
    while (this.#acknowledged.length > 0) {
      await mark(this.#sql.query, this.#acknowledged.splice(0, PORTION))
      if (this.#stopped.signal.aborted) return
    }
  }

  /** Ends what goes in portions, after the one under way. */
  stop(): void {
    this.#stopped.abort(new Error('the service stops'))
  }

  /** Wakes the sweepers of all instances. */
  async wake(): Promise<void> {
    await this.#sql.query(`select pg_notify('${CHANNEL}', '${FROM_INSTANCE}')`)
  }

  /**
   * Asks the sweepers of the other instances to apply these rows, and waits until they have, for `patienceMs` at most.
   */
  async handOver(ids: readonly bigint[], patienceMs: number): Promise<void> {
    const giveUpAt = performance.now() + patienceMs
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

  /** Deletes rows that were applied five minutes ago or earlier. */
  async prune(): Promise<void> {
    for (let deleted = PORTION; deleted === PORTION && !this.#stopped.signal.aborted; ) {
      const rows = await this.#sql.query(
        `delete from cache_invalidation where id in (
           select id from cache_invalidation
           where applied_at < clock_timestamp() - interval '${RETENTION}' limit ${PORTION} for update skip locked
         ) returning 1`
      )
      deleted = rows.length
    }
  }

  /** How many rows Redis does not know of, `MOST_COUNTED` at most: after a long outage there may be millions. */
  async depth(): Promise<number> {
    const [row] = await this.#sql.query<{ depth: number }>(
      `select count(*)::int as depth from (
         select from cache_invalidation where applied_at is null limit ${MOST_COUNTED}) as counted`
    )
    return row?.depth ?? 0
  }

  /** How long the oldest row has waited that Redis does not know of, in ms; 0 where there is none. */
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

/** A row; its id as text, as the two drivers do not agree on a bigint. */
interface Row {
  readonly id: string
  readonly tag: string
}

/**
 * By a join, which is linear in the number of ids, where `id = any(...)` is quadratic; within their range, so that no plan reads
 * the whole table. Rows that another process is marking are left to it: two that wait for each other would be a deadlock.
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

/** A PostgreSQL array, as text: nor do they on arrays. */
function list(ids: readonly (bigint | string)[]): string {
  return `{${ids.join()}}`
}

function distinctTags(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ tag }) => tag))]
}
