import type { PGlite } from '@electric-sql/pglite'
import type pg from 'pg'
import { discardReadOnly } from './pool.ts'
import { beginTransaction } from './timeouts.ts'

/**
 * The comment at the start of every statement of the service. The triggers look for it in `current_query()` to tell who
 * writes, because a pooler may change everything else about a connection. The migration contains it, too.
 */
const SIGNATURE = '/* ai-akademiya-api */ '

/** A tag that a transaction touched: a row of the outbox. */
export interface Invalidation {
  readonly id: bigint
  readonly tag: string
}

/** Called after each commit, before the write is acknowledged, with the tags that it touched. It must not throw. */
export type CommitListener = (invalidations: readonly Invalidation[]) => Promise<void>

export interface Watcher {
  /** A statement touched a tag; its transaction may still be rolled back. */
  touched(invalidation: Invalidation): void
  readonly committed: CommitListener
}

interface Notice {
  readonly message?: string | undefined
  readonly detail?: string | undefined
}

/**
 * Tells `watcher` which tags each transaction on this pool touches. The triggers report the tags in notices, which
 * arrive on the connection before the answer to the statement: this takes no extra query, and works for Prisma and raw
 * SQL alike. The answer that ends the transaction is held back until `committed` has resolved.
 */
export function watchPool(pool: pg.Pool, watcher: Watcher, statementTimeoutMs: number): void {
  pool.on('connect', (client) => {
    let touched: Invalidation[] = []
    client.on('notice', (notice) => touched.push(...read(notice, watcher)))
    const { query } = client

    async function afterAnswer(error: unknown, command: unknown): Promise<void> {
      if (error) discardReadOnly(pool, error, client)
      if (touched.length === 0 || client.getTransactionStatus() !== 'I') return
      const invalidations = touched
      touched = []
      // PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK.
      if (!error && command !== 'ROLLBACK') await watcher.committed(invalidations)
    }

    Object.assign(client, {
      query: (statement: unknown, ...more: unknown[]) => {
        // An error is reported before its transaction has ended: drop what that transaction left behind.
        if (client.getTransactionStatus() === 'I') touched = []
        const args = [signed(statement, statementTimeoutMs), ...more]
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
            // The next query may be sent before the client knows that the transaction has ended.
            if (isCommit(statement)) touched = []
            return afterAnswer(error, null).then(() => Promise.reject(error))
          }
        )
      }
    })
  })
}

/** The same for the embedded database, which passes notices to the query that caused them. */
export function watchPglite(pglite: PGlite, watcher: Watcher): void {
  const query = pglite.query.bind(pglite)
  const transaction = pglite.transaction.bind(pglite)

  const watched: Pick<PGlite, 'query' | 'transaction'> = {
    async query(sql, params, options) {
      const touched: Invalidation[] = []
      const result = await query<never>(SIGNATURE + sql, params, {
        ...options,
        onNotice: (notice) => touched.push(...read(notice, watcher))
      })
      if (touched.length > 0) await watcher.committed(touched)
      return result
    },
    async transaction(task) {
      let touched: Invalidation[] = []
      const result = await transaction((tx) => {
        const { query, rollback } = tx
        return task(
          Object.assign(tx, {
            query: (sql: string, params?: unknown[], options?: object) => {
              const onNotice = (notice: Notice) => touched.push(...read(notice, watcher))
              return query(SIGNATURE + sql, params, { ...options, onNotice })
            },
            rollback: () => {
              touched = []
              return rollback()
            }
          })
        )
      })
      if (touched.length > 0) await watcher.committed(touched)
      return result
    }
  }
  Object.assign(pglite, watched)
}

/** The invalidation in a notice of `cache_touch`; none in any other notice. */
function read({ message, detail }: Notice, watcher: Watcher): Invalidation[] {
  if (message !== 'cache_touch' || detail === undefined) return []
  const space = detail.indexOf(' ')
  const invalidation = { id: BigInt(detail.slice(0, space)), tag: detail.slice(space + 1) }
  watcher.touched(invalidation)
  return [invalidation]
}

/** The statement, in any form that `pg` accepts, with the signature. */
function signed(statement: unknown, statementTimeoutMs: number): unknown {
  const text = textOf(statement)
  if (text === null) return statement
  const whole = SIGNATURE + (text === 'BEGIN' ? beginTransaction(statementTimeoutMs) : text)
  return typeof statement === 'string' ? whole : Object.assign({}, statement, { text: whole })
}

/** Whether the statement, in any form that `pg` accepts, is a COMMIT. */
function isCommit(statement: unknown): boolean {
  const text = textOf(statement)
  return text !== null && text.trim().toUpperCase() === 'COMMIT'
}

function textOf(statement: unknown): string | null {
  if (typeof statement === 'string') return statement
  const isConfig = typeof statement === 'object' && statement !== null && !('submit' in statement)
  return isConfig && 'text' in statement && typeof statement.text === 'string' ? statement.text : null
}
