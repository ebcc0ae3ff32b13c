import { setTimeout as sleep } from 'node:timers/promises'
import type { Invalidation } from './commits.ts'
import type { PrismaClient } from './generated/client.ts'

/** How long applied rows are kept, to be applied again when Redis may have lost the last stamps. */
const RETENTION = '5 minutes'
const BATCH = 1000
/** How long acknowledgements are collected, so that writes do not pay for one each. Less than the sweeper's patience. */
const ACKNOWLEDGE_AFTER_MS = 50
const HAND_OVER_POLL_MS = 20

/** The channel on which a transaction from outside the service, or an instance without Redis, wakes the sweepers. */
export const CHANNEL = 'cache_invalidation'

/**
 * The table `cache_invalidation`: which tags committed transactions touched, and whether Redis knows.
 * It is read and written on the plain client: its own writes touch no tag.
 */
export class Outbox {
  readonly #client: PrismaClient
  #acknowledged: bigint[] = []
  #timer: NodeJS.Timeout | null = null

  constructor(client: PrismaClient) {
    this.#client = client
  }

  /**
   * Hands the tags that were not applied within `ageMs` to `apply`, and marks them applied when it resolves.
   * Rows that another sweeper works on are left to it. Resolves to the number of rows, of which there may be more.
   */
  async sweep(ageMs: number, apply: (tags: string[]) => Promise<void>): Promise<number> {
    if (!(await this.#hasPending(ageMs))) return 0
    return this.#client.$transaction(async (tx) => {
      const rows = await tx.$queryRaw<Invalidation[]>`
        select id, tag from cache_invalidation
        where applied_at is null and created_at <= clock_timestamp() - ${ageMs} * interval '1 millisecond'
        order by id limit ${BATCH} for update skip locked`
      if (rows.length === 0) return 0
      await apply(distinctTags(rows))
      await tx.$executeRaw`
        update cache_invalidation set applied_at = clock_timestamp() where id = any(${list(rows.map(({ id }) => id))}::bigint[])`
      return rows.length
    })
  }

  /**
   * Hands every tag that there is to `apply`, and marks what was not applied. All of them, not those of the last minute:
   * what Redis lost, it lost before an outage that may have lasted longer.
   */
  async replay(apply: (tags: string[]) => Promise<void>): Promise<void> {
    const rows = await this.#client.$queryRaw<(Invalidation & { pending: boolean })[]>`
      select id, tag, applied_at is null as pending from cache_invalidation`
    await apply(distinctTags(rows))
    await this.#mark(rows.filter(({ pending }) => pending).map(({ id }) => id))
  }

  /** Marks rows applied, a little later, many at once. One that is lost is applied twice, which costs a miss. */
  acknowledge(ids: readonly bigint[]): void {
    this.#acknowledged.push(...ids)
    this.#timer ??= setTimeout(() => this.flush().catch(() => {}), ACKNOWLEDGE_AFTER_MS)
  }

  async flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const ids = this.#acknowledged
    this.#acknowledged = []
    await this.#mark(ids)
  }

  /** Wakes the sweepers of all instances. */
  async wake(): Promise<void> {
    await this.#client.$executeRaw`select pg_notify(${CHANNEL}, '')`
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
    const [row] = await this.#client.$queryRaw<[{ pending: number }]>`
      select count(*)::int as pending from cache_invalidation where applied_at is null and id = any(${list(ids)}::bigint[])`
    return row.pending
  }

  /** Deletes rows that were applied five minutes ago or earlier. */
  async prune(): Promise<void> {
    await this.#client.$executeRaw`
      delete from cache_invalidation where applied_at < clock_timestamp() - ${RETENTION}::interval`
  }

  /** How many rows Redis does not know of. */
  async depth(): Promise<number> {
    const [row] = await this.#client.$queryRaw<[{ depth: number }]>`
      select count(*)::int as depth from cache_invalidation where applied_at is null`
    return row.depth
  }

  /** How long the oldest row has waited that Redis does not know of, in ms; 0 where there is none. */
  async lagMs(): Promise<number> {
    const [row] = await this.#client.$queryRaw<[{ lag: number }]>`
      select coalesce(extract(epoch from clock_timestamp() - min(created_at)) * 1000, 0)::float8 as lag
      from cache_invalidation where applied_at is null`
    return Math.max(0, row.lag)
  }

  async #hasPending(ageMs: number): Promise<boolean> {
    const [row] = await this.#client.$queryRaw<[{ pending: boolean }]>`
      select exists (
        select from cache_invalidation
        where applied_at is null and created_at <= clock_timestamp() - ${ageMs} * interval '1 millisecond'
      ) as pending`
    return row.pending
  }

  async #mark(ids: readonly bigint[]): Promise<void> {
    if (ids.length === 0) return
    await this.#client.$executeRaw`
      update cache_invalidation set applied_at = clock_timestamp() where id = any(${list(ids)}::bigint[])`
  }
}

/** A PostgreSQL array, as text: the two drivers do not agree on arrays of bigint. */
function list(ids: readonly bigint[]): string {
  return `{${ids.join()}}`
}

function distinctTags(rows: readonly Invalidation[]): string[] {
  return [...new Set(rows.map(({ tag }) => tag))]
}
