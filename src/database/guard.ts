import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PrismaClient } from './generated/client.ts'
import type { Shares } from './shares.ts'
import { isConnectionLost, isSafeToRetry } from './unavailable.ts'

/**
 * How often an operation that PostgreSQL has rolled back is tried, with exponential backoff and jitter. If `repeatable
 * read` is the default of the database, there may be as many conflicts as connections.
 */
const ATTEMPTS = 10
const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 160

const insideWrite = new AsyncLocalStorage<true>()
/**
 * Set for the operations of a transaction, which must not be retried one by one: PostgreSQL rolls back the whole
 * transaction.
 */
const insideTransaction = new AsyncLocalStorage<true>()

/** Runs the task of a `Database.write`. */
export function runInsideWrite<T>(task: () => Promise<T>): Promise<T> {
  return insideWrite.run(true, task)
}

/**
 * Throws inside a write: an operation that does not use `tx` would not be part of the transaction, or wait for it
 * forever.
 */
export function refuseInsideWrite(): void {
  if (insideWrite.getStore()) throw new Error('inside write(async (tx) => ...) use tx, not the client')
}

/**
 * The Prisma client that the service uses. It throws inside a write. Each operation takes a place in its share of the
 * pool (`shares.ts`), and is retried after errors that guarantee that nothing was done: a conflict with another
 * transaction, or a connection to a standby; reads also after a lost connection. With `inTransactions`, each operation
 * that may wait for a lock runs in a transaction, which has timeouts (`timeouts.ts`).
 *
 * Invalidation does not happen here: no extension sees the commit of a transaction, cascades, raw SQL or psql. Triggers
 * name the tags that a write touches, and the driver holds back its answer until they are invalidated (`commits.ts`).
 */
export function guarded(client: PrismaClient, shares: Shares, inTransactions: boolean): PrismaClient {
  const extended = client.$extends({
    query: {
      $allOperations: async ({ operation, args, query }) => {
        refuseInsideWrite()
        if (insideTransaction.getStore()) return query(args)
        const isRead = READS.test(operation)
        // Prisma opens no transaction for a single operation, so add a second one.
        const inTransaction = async () => (await client.$transaction([client.$executeRaw`select 1`, query(args)]))[1]
        const attempt = inTransactions && !isRead ? inTransaction : () => query(args)
        const mayRetry = (error: unknown) => isSafeToRetry(error) || (isRead && isConnectionLost(error))
        return shares[isRead ? 'reads' : 'writes'].run(() => withRetries(attempt, mayRetry))
      }
    }
  })
  const refusing = extended.$extends({
    client: {
      $transaction: (...args: Parameters<typeof extended.$transaction>) => {
        refuseInsideWrite()
        return shares.writes.run(() => insideTransaction.run(true, async () => await extended.$transaction(...args)))
      }
    }
  })
  // The extensions change no types, but TypeScript cannot tell, because the types are generic.
  return refusing as unknown as PrismaClient
}

const READS = /^(find|count|aggregate|groupBy)/

/** Runs `task`, and retries it while `mayRetry` accepts its error, for at most ten attempts in all. */
export async function withRetries<T>(task: () => Promise<T>, mayRetry: (error: unknown) => boolean): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task()
    } catch (error) {
      if (attempt === ATTEMPTS || !mayRetry(error)) throw error
      await sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * Math.random())
    }
  }
}
