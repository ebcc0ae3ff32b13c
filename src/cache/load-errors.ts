/**
 * How the errors of loads are told apart. The service has its own classes of errors, of which the cache must know two things:
 * that something does not exist, which is remembered, and that an error is the answer, in whose place nothing stale is served.
 */
export interface LoadErrors {
  /** The name of what does not exist, when the error says so; else null. */
  missing(error: unknown): string | null
  /** The error for something that is known not to exist. */
  notFound(what: string): Error
  /** True for an error that is the answer of the service, and not a failure. */
  isAnswer(error: unknown): boolean
}
