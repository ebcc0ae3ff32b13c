/** What stops a backup or a restore. The message says what was found, and what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}
