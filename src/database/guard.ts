import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PrismaClient } from './generated/client.ts'
import type { Shares } from './shares.ts'
import { isConnectionLost, isSafeToRetry } from './unavailable.ts'

/**
 * How often an operation is tried that PostgreSQL has rolled back, and how long it waits in between, in ms: up to 5, then
 * twice as long each time. Where `repeatable read` is the default of the database, as many may conflict as there are connections.
 */
const ATTEMPTS = 10
const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 160

const insideWrite = new AsyncLocalStorage<true>()
/** Set where an operation is a part of a transaction: what PostgreSQL rolls back there, it rolls back whole. */
const insideTransaction = new AsyncLocalStorage<true>()

/** Runs the task of a `Database.write`. */
export function runInsideWrite<T>(task: () => Promise<T>): Promise<T> {
  return insideWrite.run(true, task)
}

/** Throws inside a write: what was done there beside `tx` would not be part of the transaction, or wait for it for ever. */
export function refuseInsideWrite(): void {
  if (insideWrite.getStore()) throw new Error('inside write(async (tx) => ...) use tx, not the client')
}

/**
 * The client as the service uses it. It throws inside a write. Each operation takes its share of the pool (`shares.ts`), and is run again
 * after errors that say that nothing was done: a conflict with another transaction, or a connection that leads to a standby; a read also
 * after a lost connection. With `inTransactions` what may wait for a lock is a transaction, which has timeouts (`timeouts.ts`).
 *
 * What a write touches is not invalidated here: no extension sees the commit of a transaction, cascades, or what raw SQL
 * and psql do. Triggers name it, and the driver holds the answer back until it is invalidated (`commits.ts`).
 */
export function guarded(client: PrismaClient, shares: Shares, inTransactions: boolean): PrismaClient {
  const extended = client.$extends({
    query: {
      $allOperations: async ({ operation, args, query }) => {
        refuseInsideWrite()
        if (insideTransaction.getStore()) return query(args)
        const isRead = READS.test(operation)
        // Prisma makes no transaction of one operation alone.
        const inTransaction = async () => (await client.$transaction([client.$executeRaw`select 1`, query(args)]))[1]
        const attempt = inTransactions && !isRead ? inTransaction : () => query(args)
        const mayRetry = (error: unknown) => isSafeToRetry(error) || (isRead && isConnectionLost(error))
        return shares[isRead ? 'reads' : 'writes'].run(() => retrying(attempt, mayRetry))
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
  // These extensions change no type, but TypeScript cannot compare the generic ones.
  return refusing as unknown as PrismaClient
}

const READS = /^(find|count|aggregate|groupBy)/

/** What `task` resolves to, after as many attempts as it takes, ten at most, while `mayRetry` its error. */
export async function retrying<T>(task: () => Promise<T>, mayRetry: (error: unknown) => boolean): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task()
    } catch (error) {
      if (attempt === ATTEMPTS || !mayRetry(error)) throw error
      await sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * Math.random())
    }
  }
}
