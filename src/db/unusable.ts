/** PostgreSQL could not be opened or prepared. The message is one line for the operator; the cause has the details. */
export class DatabaseUnusableError extends Error {
  override readonly name = 'DatabaseUnusableError'

  constructor(cause: unknown) {
    const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).trim().split('\n').slice(-1)
    super(`DATABASE_URL: PostgreSQL cannot be used: ${line}`, { cause })
  }

  /** The error itself where it is one of these already. */
  static of(error: unknown): DatabaseUnusableError {
    return error instanceof DatabaseUnusableError ? error : new DatabaseUnusableError(error)
  }
}
