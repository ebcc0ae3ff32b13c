/** The fields of an error in a log line. A type and not an interface, because pino requires an index signature. */
export type ErrorFields = {
  type: string
  message: string
  stack: string
  code?: string | number
  cause?: ErrorFields
  errors?: ErrorFields[]
}

/** How deep causes are followed, and how many errors of an `AggregateError` are logged. */
const MAX_DEPTH = 5

/** How PostgreSQL and Prisma quote values of a row, which may be a password hash: `Key (email)=(ann@example.com)`. */
const VALUES: readonly (readonly [RegExp, string])[] = [
  [/(\([\w", ]+\))=\(.*\)/gs, '$1=(...)'],
  [/(Failing row contains )\(.*\)/gs, '$1(...)'],
  [/(invalid input (?:syntax|value) for [^:]+: ).*$/gm, '$1...']
]

/**
 * The type, message, code and stack of an error and of its causes, without its other properties, such as the command
 * that failed or the details of a database error, which contain rows. Values of rows are masked in the texts. Anything
 * but an error becomes a text.
 */
export function errorFields(error: unknown, depth = 0): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error, message: withoutValues(String(error)), stack: '' }
  const message = withoutValues(error.message)
  const code = 'code' in error ? error.code : undefined
  const inner = depth < MAX_DEPTH
  return {
    type: error.constructor.name || error.name,
    message,
    // The stack repeats the message.
    stack: error.stack?.replace(error.message, () => message) ?? '',
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(inner && error.cause !== undefined ? { cause: errorFields(error.cause, depth + 1) } : {}),
    ...(inner && error instanceof AggregateError
      ? { errors: error.errors.slice(0, MAX_DEPTH).map((one) => errorFields(one, depth + 1)) }
      : {})
  }
}

function withoutValues(text: string): string {
  return VALUES.reduce((left, [pattern, replacement]) => left.replace(pattern, replacement), text)
}
