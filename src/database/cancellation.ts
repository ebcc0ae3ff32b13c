import { ClientGoneError } from './bulkhead.ts'
import type { Transaction } from './database.ts'
import type { Sql } from './sql.ts'

/**
 * The server process that works for us, where it still does. Only its first word is compared: the text of the statement is cut, and a
 * process that has ended may have given its number to another one.
 */
const CANCEL = `select pg_cancel_backend(pid) from pg_stat_activity
  where pid = $1 and state = 'active' and datname = current_database() and query like '/* ai-akademiya-api */%'`

/** Cancels the statement of a transaction that is under way when a signal aborts. */
export class Cancellation {
  readonly #control: Sql
  readonly #signal: AbortSignal

  /** `control` has connections that do not wait behind the one that is cancelled. */
  constructor(control: Sql, signal: AbortSignal) {
    this.#control = control
    this.#signal = signal
  }

  /**
   * Runs `task`, reads of `tx`. The process of the server is ours until the transaction ends, behind a pooler too; it ends only after a
   * cancel that was sent has arrived, so that no statement of somebody else is cancelled in its place.
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
