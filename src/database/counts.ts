import type { Transaction } from './database.ts'
import type { Prisma } from './generated/client.ts'

/** The highest exact count: above it, rows are estimated. */
export const MOST_COUNTED = 10_000

/** What to count: a table, or the part of it that a partial index covers. */
export interface Counted {
  /** The name of the table or index, whose rows PostgreSQL estimates. */
  readonly relation: string
  readonly rows: Prisma.Sql
}

/**
 * The number of rows: exact up to `MOST_COUNTED`, above that PostgreSQL's estimate of its last vacuum or analyze. So
 * the cost is bounded for any number of rows, and writers need not maintain a shared counter.
 */
export async function countRows(tx: Transaction, { relation, rows }: Counted): Promise<number> {
  const [row] = await tx.$queryRaw<{ counted: number; estimated: number }[]>`
    select (select count(*) from (select from ${rows} limit ${MOST_COUNTED + 1}) as counted)::int as counted,
      (select greatest(reltuples, 0)::int from pg_class where oid = to_regclass(${relation})) as estimated`
  if (row === undefined) throw new Error('no row')
  return row.counted <= MOST_COUNTED ? row.counted : Math.max(row.counted, row.estimated)
}
