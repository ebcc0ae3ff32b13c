import { STATUS_CODES } from 'node:http'
import { type Static, Type } from 'typebox'
import { type ErrorCode, errorCodes } from './error-codes.ts'

/** An error that becomes the answer: a status, a code that programs can test, and a message for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly statusCode: number
  readonly code: ErrorCode
  readonly headers: Readonly<Record<string, string>>

  constructor(
    statusCode: number,
    code: ErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions
  ) {
    super(message, options)
    this.statusCode = statusCode
    this.code = code
    this.headers = headers
  }
}

/** 404: it does not exist, or the client may not know that it does. */
export class NotFoundError extends ApiError {
  readonly what: string

  constructor(what: string) {
    super(404, 'NOT_FOUND', `${what} not found`)
    this.what = what
  }
}

/** Tells the cache how to treat the errors of its loads (`LoadErrors` of `#cache`). */
export const loadErrors = {
  missing: (error: unknown): string | null => (error instanceof NotFoundError ? error.what : null),
  notFound: (what: string): Error => new NotFoundError(what),
  isAnswer: (error: unknown): boolean => error instanceof ApiError && error.statusCode < 500
}

/** The name of the error schema in OpenAPI. */
export const ERROR_TITLE = 'Error'

/** The body of every error. */
export const ErrorBody = Type.Object(
  {
    statusCode: Type.Integer(),
    code: Type.Enum(Object.keys(errorCodes) as ErrorCode[], {
      type: 'string',
      title: 'ErrorCode',
      description: 'for programs'
    }),
    error: Type.String(),
    message: Type.String({ description: 'for people; names the field' }),
    requestId: Type.String()
  },
  { title: ERROR_TITLE, description: 'Error' }
)

export function errorBody(
  statusCode: number,
  code: ErrorCode,
  message: string,
  requestId: string
): Static<typeof ErrorBody> {
  return { statusCode, code, error: STATUS_CODES[statusCode] ?? 'Error', message, requestId }
}

/** Response schemas for these error statuses. */
export function errors<const S extends number>(...statuses: S[]): Record<S, typeof ErrorBody> {
  const responses: Partial<Record<S, typeof ErrorBody>> = {}
  for (const status of statuses) responses[status] = ErrorBody
  return Object.assign(Object.create(null), responses)
}
