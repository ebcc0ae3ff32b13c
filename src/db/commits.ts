import type { PGlite } from '@electric-sql/pglite'
import type pg from 'pg'

/** By this name the triggers tell connections of the service, which hear what they touched, from all others. */
export const APPLICATION = 'ai-akademiya-api'

/** A tag that a committed transaction touched, as a row of the outbox. */
export interface Invalidation {
  readonly id: bigint
  readonly tag: string
}

/** Told after each commit, before the write is acknowledged, of what it touched. It must not throw. */
export type CommitListener = (invalidations: readonly Invalidation[]) => Promise<void>

interface Notice {
  readonly message?: string | undefined
  readonly detail?: string | undefined
}

/**
 * Tells `committed` what each transaction on this pool touched. The triggers name the tags in notices, which arrive on
 * the connection before the answer to the statement: no query more, and whatever wrote them, Prisma or raw SQL. The
 * answer that ends the transaction is held back until `committed` has resolved.
 */
export function watchPool(pool: pg.Pool, committed: CommitListener): void {
  pool.on('connect', (client) => {
    let touched: Invalidation[] = []
    client.on('notice', (notice) => touched.push(...read(notice)))
    const { query } = client

    async function afterAnswer(error: unknown, command: unknown): Promise<void> {
      if (touched.length === 0 || client.getTransactionStatus() !== 'I') return
      const invalidations = touched
      touched = []
      // A COMMIT of a failed transaction is answered by ROLLBACK.
      if (!error && command !== 'ROLLBACK') await committed(invalidations)
    }

    Object.assign(client, {
      query: (...args: unknown[]) => {
        // An error is told before its transaction is over: what is left of that one touched nothing.
        if (client.getTransactionStatus() === 'I') touched = []
        const callback = args.at(-1)
        if (typeof callback === 'function') {
          const held = (error: unknown, result?: pg.QueryResult) =>
            afterAnswer(error, result?.command).then(() => callback(error, result))
          return Reflect.apply(query, client, args.with(-1, held))
        }
        const answer: Promise<pg.QueryResult> = Reflect.apply(query, client, args)
        return answer.then(
          (result) => afterAnswer(null, result.command).then(() => result),
          (error) => {
            // The next question may be asked before the connection is known to be outside a transaction again.
            if (isCommit(args[0])) touched = []
            return afterAnswer(error, null).then(() => Promise.reject(error))
          }
        )
      }
    })
  })
}

/** The same for the embedded database, whose notices go to the query that caused them. */
export async function watchPglite(pglite: PGlite, committed: CommitListener): Promise<void> {
  await pglite.exec(`set application_name = '${APPLICATION}'`)
  const query = pglite.query.bind(pglite)
  const transaction = pglite.transaction.bind(pglite)

  const watched: Pick<PGlite, 'query' | 'transaction'> = {
    async query(sql, params, options) {
      const touched: Invalidation[] = []
      const result = await query<never>(sql, params, {
        ...options,
        onNotice: (notice) => touched.push(...read(notice))
      })
      if (touched.length > 0) await committed(touched)
      return result
    },
    async transaction(task) {
      let touched: Invalidation[] = []
      const result = await transaction((tx) => {
        const { query, rollback } = tx
        return task(
          Object.assign(tx, {
            query: (sql: string, params?: unknown[], options?: object) =>
              query(sql, params, { ...options, onNotice: (notice: Notice) => touched.push(...read(notice)) }),
            rollback: () => {
              touched = []
              return rollback()
            }
          })
        )
      })
      if (touched.length > 0) await committed(touched)
      return result
    }
  }
  Object.assign(pglite, watched)
}

/** The invalidation that a notice of `cache_touch` carries, if it is one. */
function read({ message, detail }: Notice): Invalidation[] {
  if (message !== 'cache_touch' || detail === undefined) return []
  const space = detail.indexOf(' ')
  return [{ id: BigInt(detail.slice(0, space)), tag: detail.slice(space + 1) }]
}

/** Whether this, as `pg` takes it, ends a transaction. */
function isCommit(query: unknown): boolean {
  const text = typeof query === 'object' && query !== null && 'text' in query ? query.text : query
  return typeof text === 'string' && text.trim().toUpperCase() === 'COMMIT'
}
