import type { Transaction } from './database.ts'
import type { Prisma } from './generated/client.ts'

/** How many rows are counted one by one. */
export const MOST_COUNTED = 10_000

/** What is counted: a table, or the part of it that an index has. */
export interface Counted {
  /** Of the index or the table, whose rows PostgreSQL estimates. */
  readonly relation: string
  readonly rows: Prisma.Sql
}

/**
 * How many rows there are: exactly up to `MOST_COUNTED`, above it as PostgreSQL estimated at its last vacuum or analyze. So it costs the
 * same with a million rows, and no writer has to keep a count that all writers share.
 */
export async function countRows(tx: Transaction, { relation, rows }: Counted): Promise<number> {
  const [row] = await tx.$queryRaw<{ counted: number; estimated: number }[]>`
    select (select count(*) from (select from ${rows} limit ${MOST_COUNTED + 1}) as counted)::int as counted,
      (select greatest(reltuples, 0)::int from pg_class where oid = to_regclass(${relation})) as estimated`
  if (row === undefined) throw new Error('no row')
  return row.counted <= MOST_COUNTED ? row.counted : Math.max(row.counted, row.estimated)
}
