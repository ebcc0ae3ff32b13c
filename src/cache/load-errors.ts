/**
 * How the cache classifies the errors of loads, whose classes only the service knows. A "not found" is cached; an error
 * that is the service's answer must not be replaced by a stale entry.
 */
export interface LoadErrors {
  /** The name of what does not exist, if this is a "not found" error; otherwise null. */
  missing(error: unknown): string | null
  /** The error for something that is known not to exist. */
  notFound(what: string): Error
  /** True for an error that is the service's answer, not a failure. */
  isAnswer(error: unknown): boolean
}
