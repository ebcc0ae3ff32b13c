import { Bulkhead } from './bulkhead.ts'

/** What shares the pool: reads of single things, lists and searches, counts of the platform, and changes. */
export type Kind = 'reads' | 'lists' | 'statistics' | 'writes'

export type Shares = Readonly<Record<Kind, Bulkhead>>

/** How many more may wait than run, and how long. A write outlasts one lock that another waits for in vain (`timeouts.ts`). */
const QUEUE = 32
const WAIT_MS = 1000
const WRITE_QUEUE = 100
const WRITE_WAIT_MS = 2500
const READ_QUEUE = 500
const READ_WAIT_MS = 2500

/**
 * The shares of a pool of `size` connections. Those of lists, statistics and writes, which may take long, leave a fifth to the reads,
 * which are short, and may take more while it is free.
 */
export function createShares(size: number): Shares {
  const part = (of: number) => Math.max(1, Math.floor(size * of))
  return {
    reads: new Bulkhead({ kind: 'reads', limit: part(0.6), queue: READ_QUEUE, longestWaitMs: READ_WAIT_MS }),
    lists: new Bulkhead({ kind: 'lists and searches', limit: part(0.3), queue: QUEUE, longestWaitMs: WAIT_MS }),
    statistics: new Bulkhead({ kind: 'statistics', limit: part(0.1), queue: QUEUE, longestWaitMs: WAIT_MS }),
    writes: new Bulkhead({ kind: 'changes', limit: part(0.4), queue: WRITE_QUEUE, longestWaitMs: WRITE_WAIT_MS })
  }
}
