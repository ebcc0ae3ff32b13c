import { Bulkhead, BusyError } from './bulkhead.ts'

/** What shares the pool: reads of single things, lists and searches, counts of the platform, and changes. */
export const KINDS = ['reads', 'lists', 'statistics', 'writes'] as const
export type Kind = (typeof KINDS)[number]

export type Shares = Readonly<Record<Kind, Bulkhead>>

/** How many more may wait than run, and how long. A write outlasts one lock that another waits for in vain (`timeouts.ts`). */
const QUEUE = 32
const WAIT_MS = 1000
const WRITE_QUEUE = 100
const WRITE_WAIT_MS = 2500
const READ_QUEUE = 500
const READ_WAIT_MS = 2500
/** How much more than may run at a time one client may have under way. */
const MORE_OF_CLIENT = 16
const MORE_WRITES_OF_CLIENT = 46
const MORE_READS_OF_CLIENT = 100

/**
 * The shares of a pool of `size` connections. Those of lists, statistics and writes, which may take long, leave a fifth to the reads,
 * which are short, and may take more while it is free.
 */
export function createShares(size: number): Shares {
  const share = (kind: string, of: number, queue: number, longestWaitMs: number, more = MORE_OF_CLIENT) => {
    const limit = Math.max(1, Math.floor(size * of))
    return new Bulkhead({ refusal: () => new BusyError(kind), limit, queue, longestWaitMs, ofClient: limit + more })
  }
  return {
    reads: share('reads', 0.6, READ_QUEUE, READ_WAIT_MS, MORE_READS_OF_CLIENT),
    lists: share('lists and searches', 0.3, QUEUE, WAIT_MS),
    statistics: share('statistics', 0.1, QUEUE, WAIT_MS),
    writes: share('changes', 0.4, WRITE_QUEUE, WRITE_WAIT_MS, MORE_WRITES_OF_CLIENT)
  }
}
