import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * The longest time a statement waits for a row that another transaction has locked, in ms; at most half of its whole
 * time.
 */
const LOCK_TIMEOUT_MS = 2000
/** How much longer than its longest statement a transaction may take, since it holds a connection. */
const TRANSACTION_EXTRA_MS = 5000
/** No parallel query: one search must not take several CPUs from other requests, or start processes. */
const NO_PARALLEL_WORKERS = 'SET LOCAL max_parallel_workers_per_gather = 0'
const UNLIMITED_MS = 3_600_000

/** How long a whole transaction may take, in ms. */
export function transactionTimeout(statementTimeoutMs: number): number {
  return statementTimeoutMs === 0 ? UNLIMITED_MS : statementTimeoutMs + TRANSACTION_EXTRA_MS
}

/** Set while migrations and seeds run, which have no time limit. */
const unlimited = new AsyncLocalStorage<true>()

/** Runs `task` without timeouts for its transactions. */
export function withoutTimeouts<T>(task: () => Promise<T>): Promise<T> {
  return unlimited.run(true, task)
}

/**
 * The statements that begin every transaction of the service. Its isolation level is READ COMMITTED, whatever the
 * default of the database or the role. The timeouts are local to the transaction, so that they also apply behind a
 * pooler, and do not leak to other clients of the connection: neither a plain `SET` nor a connection parameter does
 * both. A timeout of 0 means none.
 */
export function beginTransaction(statementTimeoutMs: number): string {
  const statement = unlimited.getStore() ? 0 : statementTimeoutMs
  // Shorter than the statement timeout, so that a change that waits in vain fails with LOCKED, not TIMEOUT.
  const lock = Math.min(LOCK_TIMEOUT_MS, statement / 2)
  return `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = ${statement}; SET LOCAL lock_timeout = ${lock}; ${NO_PARALLEL_WORKERS}`
}
