import { AsyncLocalStorage } from 'node:async_hooks'
import type { Prisma, PrismaClient } from './generated/client.ts'

export type Client = ReturnType<typeof createClient>
export type Transaction = Prisma.TransactionClient

/**
 * The Prisma client of the service. Whatever it writes is invalidated after the commit and before the write resolves
 * (`commits.ts`); several writes that belong together go through `write`.
 */
export function createClient(plain: PrismaClient) {
  const insideWrite = new AsyncLocalStorage<true>()

  /** On the embedded database it would wait for the very transaction that it is called in. */
  function refuseInsideWrite(): void {
    if (insideWrite.getStore()) throw new Error('inside write(async (tx) => ...) use tx, not the client')
  }

  return plain.$extends({
    name: 'write',
    client: {
      /** Runs `task` in one transaction and invalidates once, after its commit; a rollback invalidates nothing. */
      async write<T>(task: (tx: Transaction) => Promise<T>, options?: { timeout?: number }): Promise<T> {
        refuseInsideWrite()
        // Awaited inside: a query of Prisma begins when it is awaited, and must be found here then.
        return plain.$transaction((tx) => insideWrite.run(true, async () => await task(tx)), options)
      }
    },
    query: {
      async $allOperations({ args, query }) {
        refuseInsideWrite()
        return query(args)
      }
    }
  })
}
