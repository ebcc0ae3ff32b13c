import { ClientGoneError } from './bulkhead.ts'
import type { Transaction } from './database.ts'
import type { Sql } from './sql.ts'

/**
 * Cancels the statement of a server process, if that still runs a statement of ours: the process may have ended, and
 * its id been reused. Only the start of the statement is compared, because `pg_stat_activity` truncates it.
 */
const CANCEL = `select pg_cancel_backend(pid) from pg_stat_activity
  where pid = $1 and state = 'active' and datname = current_database() and query like '/* ai-akademiya-api */%'`

/** Cancels the current statement of a transaction when a signal aborts. */
export class Cancellation {
  readonly #control: Sql
  readonly #signal: AbortSignal

  /** `control` must not wait behind the connection whose statement is cancelled. */
  constructor(control: Sql, signal: AbortSignal) {
    this.#control = control
    this.#signal = signal
  }

  /**
   * Runs `task`, which reads with `tx`. Until the transaction ends, the server process is ours, even behind a pooler.
   * If a cancellation was sent, this resolves only after it has arrived, so that it cannot hit a statement of another
   * client.
   */
  async run<T>(tx: Transaction, task: () => Promise<T>): Promise<T> {
    const signal = this.#signal
    const [backend] = await tx.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`
    if (signal.aborted) throw new ClientGoneError()
    let cancelled: Promise<unknown> | null = null
    const cancel = () => {
      cancelled = this.#control.query(CANCEL, [backend?.pid]).catch(() => {})
    }
    signal.addEventListener('abort', cancel, { once: true })
    try {
      return await task()
    } catch (error) {
      throw signal.aborted ? new ClientGoneError() : error
    } finally {
      signal.removeEventListener('abort', cancel)
      await cancelled
    }
  }
}
