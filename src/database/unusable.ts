import { sqlState } from './unavailable.ts'

/** PostgreSQL could not be opened or prepared. The message is one line for the operator; the cause has the details. */
export class DatabaseUnusableError extends Error {
  override readonly name: string = 'DatabaseUnusableError'

  constructor(cause: unknown, variable = 'DATABASE_URL') {
    const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).trim().split('\n').slice(-1)
    super(`${variable}: PostgreSQL cannot be used: ${line}`, { cause })
  }

  /** The error itself where it is one of these already. A right that is missing is named, with where to read on. */
  static of(error: unknown, variable?: string): DatabaseUnusableError {
    if (error instanceof DatabaseUnusableError) return error
    const missing = /permission denied for [^`\n(]+/.exec(error instanceof Error ? error.message : '')?.[0]
    if (missing === undefined) return new DatabaseUnusableError(error, variable)
    return new DatabaseUnusableError(
      `${missing.trim()}: the role lacks a right; docs/operations.md, Rights, has the grants`,
      variable
    )
  }
}

/** PostgreSQL has refused a migration, of which nothing is left. The message has its own words. */
export class MigrationFailedError extends DatabaseUnusableError {
  override readonly name = 'MigrationFailedError'

  constructor(migration: string, cause: unknown) {
    super(cause)
    const said = cause instanceof Error ? cause.message : String(cause)
    this.message = `the migration ${migration} failed, and nothing of it is left; PostgreSQL says: ${said} (SQLSTATE ${sqlState(cause)})`
  }
}
