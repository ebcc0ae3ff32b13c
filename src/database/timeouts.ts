import { AsyncLocalStorage } from 'node:async_hooks'

/** How long a statement waits for a row that another transaction has changed or locked, in ms, at most: half of its whole time. */
const LOCK_TIMEOUT_MS = 2000
/** What a transaction may take beside its longest statement: it holds a connection. */
const TRANSACTION_MORE_MS = 5000
/** A query has one processor: a visitor's search takes no others from those who wait beside it, and starts no processes. */
const NO_HELPERS = 'SET LOCAL max_parallel_workers_per_gather = 0'
const UNLIMITED_MS = 3_600_000

/** How long a whole transaction may take, in ms. */
export function transactionTimeout(statementTimeoutMs: number): number {
  return statementTimeoutMs === 0 ? UNLIMITED_MS : statementTimeoutMs + TRANSACTION_MORE_MS
}

/** Set while migrations and seeds run: they take as long as they take. */
const unlimited = new AsyncLocalStorage<true>()

/** Runs `task`, in which no transaction has a timeout. */
export function withoutTimeouts<T>(task: () => Promise<T>): Promise<T> {
  return unlimited.run(true, task)
}

/**
 * What begins every transaction of the service. It sees what others have committed since it began, whatever is the default of the
 * database or the role. Its timeouts are its own, so that they hold behind a pooler as well, and stay with no connection that other
 * clients get: neither a `SET` nor a parameter of the connection does both. A timeout of 0 is none.
 */
export function beginTransaction(statementTimeoutMs: number): string {
  const statement = unlimited.getStore() ? 0 : statementTimeoutMs
  // Below the other, so that a change which waits in vain is told so.
  const lock = Math.min(LOCK_TIMEOUT_MS, statement / 2)
  return `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = ${statement}; SET LOCAL lock_timeout = ${lock}; ${NO_HELPERS}`
}
