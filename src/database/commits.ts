import type { PGlite } from '@electric-sql/pglite'
import type pg from 'pg'
import { discardReadOnly } from './pool.ts'
import { beginTransaction } from './timeouts.ts'

/**
 * The comment that begins every statement of the service. By it the triggers know who writes: they look for it in
 * `current_query()`, the one thing about a connection that a pooler does not change. The migration has it, too.
 */
const SIGNATURE = '/* ai-akademiya-api */ '

/** A tag that a committed transaction touched, as a row of the outbox. */
export interface Invalidation {
  readonly id: bigint
  readonly tag: string
}

/** Called after each commit, before the write is acknowledged, with what it touched. It must not throw. */
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
 * Tells `watcher` what each transaction on this pool touches. The triggers name the tags in notices, which arrive on
 * the connection before the answer to the statement: no query more, and whatever wrote them, Prisma or raw SQL. The
 * answer that ends the transaction is held back until `committed` has resolved.
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
      // A COMMIT of a failed transaction is answered by ROLLBACK.
      if (!error && command !== 'ROLLBACK') await watcher.committed(invalidations)
    }

    Object.assign(client, {
      query: (statement: unknown, ...more: unknown[]) => {
        // An error is told before its transaction is over: what is left of that one touched nothing.
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
            // The next question may be asked before the connection is known to be outside a transaction again.
            if (isCommit(statement)) touched = []
            return afterAnswer(error, null).then(() => Promise.reject(error))
          }
        )
      }
    })
  })
}

/** The same for the embedded database, whose notices go to the query that caused them. */
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

/** The invalidation that a notice of `cache_touch` carries, if it is one. */
function read({ message, detail }: Notice, watcher: Watcher): Invalidation[] {
  if (message !== 'cache_touch' || detail === undefined) return []
  const space = detail.indexOf(' ')
  const invalidation = { id: BigInt(detail.slice(0, space)), tag: detail.slice(space + 1) }
  watcher.touched(invalidation)
  return [invalidation]
}

/** The statement, as `pg` takes it, with the signature. */
function signed(statement: unknown, statementTimeoutMs: number): unknown {
  const text = textOf(statement)
  if (text === null) return statement
  const whole = SIGNATURE + (text === 'BEGIN' ? beginTransaction(statementTimeoutMs) : text)
  return typeof statement === 'string' ? whole : Object.assign({}, statement, { text: whole })
}

/** Whether this, as `pg` takes it, ends a transaction. */
function isCommit(statement: unknown): boolean {
  const text = textOf(statement)
  return text !== null && text.trim().toUpperCase() === 'COMMIT'
}

function textOf(statement: unknown): string | null {
  if (typeof statement === 'string') return statement
  const isConfig = typeof statement === 'object' && statement !== null && !('submit' in statement)
  return isConfig && 'text' in statement && typeof statement.text === 'string' ? statement.text : null
}
