import type { PGlite } from '@electric-sql/pglite'
import type pg from 'pg'
import { withRetries } from './guard.ts'
import { discardReadOnly } from './pool.ts'
import { isSafeToRetry } from './unavailable.ts'

export type Query = <Row extends object>(text: string, values?: unknown[]) => Promise<Row[]>

/** Plain SQL for data that has no Prisma model. A second Prisma client would cost 10 MiB and 0.1 s of the start. */
export interface Sql {
  readonly query: Query
  /** Runs `task` in one transaction, which is rolled back if it rejects. */
  transaction<T>(task: (query: Query) => Promise<T>): Promise<T>
}

export function sqlOnPool(pool: pg.Pool): Sql {
  return {
    async query(text, values) {
      try {
        return (await withRetries(() => pool.query(text, values), isSafeToRetry)).rows
      } catch (error) {
        // So that the next query connects to the current primary.
        discardReadOnly(pool, error)
        throw error
      }
    },
    async transaction(task) {
      const client = await pool.connect()
      try {
        await client.query('begin isolation level read committed')
        const result = await task(async (text, values) => (await client.query(text, values)).rows)
        await client.query('commit')
        client.release()
        return result
      } catch (error) {
        await client.query('rollback').then(
          () => client.release(),
          () => client.release(true)
        )
        throw error
      }
    }
  }
}

export function sqlOnPglite(pglite: PGlite): Sql {
  return {
    query: async <Row extends object>(text: string, values?: unknown[]) => (await pglite.query<Row>(text, values)).rows,
    transaction: (task) =>
      pglite.transaction((tx) =>
        task(async <Row extends object>(text: string, values?: unknown[]) => (await tx.query<Row>(text, values)).rows)
      )
  }
}
