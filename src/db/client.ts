import { AsyncLocalStorage } from 'node:async_hooks'
import type { Prisma, PrismaClient } from './generated/client.ts'

/** A tag that a committed transaction touched, as a row of the outbox. */
export interface Invalidation {
  readonly id: bigint
  readonly tag: string
}

/** Told after each commit, before the write is acknowledged, of what it touched. It must not throw. */
export type CommitListener = (invalidations: readonly Invalidation[]) => Promise<void>

export type Client = ReturnType<typeof createClient>
export type Transaction = Prisma.TransactionClient

const READ = /^(find|count|aggregate|groupBy)/

/** Raw SQL that may write. A word too many costs a transaction, one too few would lose an invalidation. */
const WRITING_SQL = /\b(insert|update|delete|merge|truncate|call|do|copy)\b/i

/**
 * The Prisma client of the service: every write, alone or in `write`, tells `committed` which tags it touched, after
 * the commit and before it resolves. The triggers of the migration `cache_outbox` know the tags; a transaction that
 * is rolled back has none. (Prisma 7 has no middleware and no afterCommit; a query extension is their successor.)
 */
export function createClient(base: PrismaClient, committed: CommitListener) {
  const insideWrite = new AsyncLocalStorage<true>()

  return base.$extends({
    name: 'invalidation',
    client: {
      /**
       * Runs `task` in one interactive transaction and invalidates once, after its commit. Inside, use `tx` only:
       * a call on the client itself would wait for this very transaction, and throws instead.
       */
      async write<T>(task: (tx: Transaction) => Promise<T>, options?: { timeout?: number }): Promise<T> {
        refuseInside(insideWrite)
        const [result, invalidations] = await base.$transaction(async (tx) => {
          const result = await insideWrite.run(true, () => task(tx))
          return [result, await touched(tx)] as const
        }, options)
        await committed(invalidations)
        return result
      },

      /** Prisma would run the writes of such a transaction past the cache. */
      $transaction(): never {
        throw new Error('use client.write(async (tx) => ...): it invalidates the cache after the commit')
      }
    },
    query: {
      async $allOperations({ operation, args, query }) {
        refuseInside(insideWrite)
        if (!mayWrite(operation, args)) return query(args)
        const [result, invalidations] = await base.$transaction([inBatch(query(args)), touched(base)])
        await committed(invalidations)
        return result
      }
    }
  })
}

/** The invalidations of the transaction that asks; none when it wrote nothing. */
function touched(tx: Pick<Transaction, '$queryRaw'>): Prisma.PrismaPromise<Invalidation[]> {
  return tx.$queryRaw<Invalidation[]>`
    select id, tag from cache_invalidation where xid = pg_current_xact_id_if_assigned()`
}

function mayWrite(operation: string, args: unknown): boolean {
  if (operation.startsWith('$queryRaw')) return WRITING_SQL.test(JSON.stringify(args))
  return !READ.test(operation)
}

function refuseInside(insideWrite: AsyncLocalStorage<true>): void {
  if (insideWrite.getStore()) throw new Error('inside write(async (tx) => ...) use tx, not the client')
}

/** What an extension's `query` returns may stand in a batch transaction; Prisma's types say only `Promise`. */
function inBatch<T>(promise: Promise<T>): Prisma.PrismaPromise<T> {
  return Object.assign(promise, { [Symbol.toStringTag]: 'PrismaPromise' as const })
}
