/** Stops a backup or a restore. The message says what is wrong, and what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}
