import { Bulkhead, BusyError } from './bulkhead.ts'

/**
 * The kinds of work that share the pool: reads of single items, lists and searches, platform statistics, and writes.
 */
export const KINDS = ['reads', 'lists', 'statistics', 'writes'] as const
export type Kind = (typeof KINDS)[number]

export type Shares = Readonly<Record<Kind, Bulkhead>>

/**
 * How many operations of a kind may wait, and for how long. A write may wait longer than the lock timeout, so it
 * survives one other write that waits for a lock in vain (`timeouts.ts`).
 */
const QUEUE = 32
const WAIT_MS = 1000
const WRITE_QUEUE = 100
const WRITE_WAIT_MS = 2500
const READ_QUEUE = 500
const READ_WAIT_MS = 2500
/** How many operations one client may have in progress or waiting, beyond the number that may run at once. */
const EXTRA_PER_CLIENT = 16
const EXTRA_WRITES_PER_CLIENT = 46
const EXTRA_READS_PER_CLIENT = 100

/**
 * The shares of a pool of `size` connections. Lists, statistics and writes may take long; together they leave a fifth
 * of the pool to reads, which are short, and may use more of it while it is free.
 */
export function createShares(size: number): Shares {
  const share = (kind: string, fraction: number, queue: number, longestWaitMs: number, extra = EXTRA_PER_CLIENT) => {
    const limit = Math.max(1, Math.floor(size * fraction))
    return new Bulkhead({ refusal: () => new BusyError(kind), limit, queue, longestWaitMs, perClient: limit + extra })
  }
  return {
    reads: share('reads', 0.6, READ_QUEUE, READ_WAIT_MS, EXTRA_READS_PER_CLIENT),
    lists: share('lists and searches', 0.3, QUEUE, WAIT_MS),
    statistics: share('statistics', 0.1, QUEUE, WAIT_MS),
    writes: share('changes', 0.4, WRITE_QUEUE, WRITE_WAIT_MS, EXTRA_WRITES_PER_CLIENT)
  }
}
