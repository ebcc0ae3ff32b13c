import { sqlState } from './unavailable.ts'

/** PostgreSQL could not be opened or prepared. The message is one line for the operator; the cause has the details. */
export class DatabaseUnusableError extends Error {
  override readonly name: string = 'DatabaseUnusableError'

  constructor(cause: unknown, variable = 'DATABASE_URL') {
    const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).trim().split('\n').slice(-1)
    super(`${variable}: PostgreSQL cannot be used: ${line}`, { cause })
  }

  /**
   * Wraps an error, unless it already is of this class. The message names a missing privilege, and the page that has
   * the grants.
   */
  static of(error: unknown, variable?: string): DatabaseUnusableError {
    if (error instanceof DatabaseUnusableError) return error
    const denied = /permission denied for [^`\n(]+/.exec(error instanceof Error ? error.message : '')?.[0]
    if (denied === undefined) return new DatabaseUnusableError(error, variable)
    return new DatabaseUnusableError(
      `${denied.trim()}: the role lacks a privilege; see the grants in docs/operations.md, Rights`,
      variable
    )
  }
}

/** PostgreSQL refused a migration, which was rolled back. The message quotes PostgreSQL. */
export class MigrationFailedError extends DatabaseUnusableError {
  override readonly name = 'MigrationFailedError'

  constructor(migration: string, cause: unknown) {
    super(cause)
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.message = `the migration ${migration} failed and was rolled back; PostgreSQL says: ${reason} (SQLSTATE ${sqlState(cause)})`
  }
}
