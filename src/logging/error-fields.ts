/** What a log line says of an error; a type, as pino wants one that may have other fields. */
export type ErrorFields = {
  type: string
  message: string
  stack: string
  code?: string | number
  cause?: ErrorFields
  errors?: ErrorFields[]
}

/** How deep causes are followed, and how many errors of one are told. */
const DEEPEST = 5

/** PostgreSQL's and Prisma's words for values of a row, which may be a password's hash: `Key (email)=(ann@example.com)`. */
const VALUES: readonly (readonly [RegExp, string])[] = [
  [/(\([\w", ]+\))=\(.*\)/gs, '$1=(...)'],
  [/(Failing row contains )\(.*\)/gs, '$1(...)'],
  [/(invalid input (?:syntax|value) for [^:]+: ).*$/gm, '$1...']
]

/**
 * The type, message, code and stack of an error, and of its causes; nothing else that it carries, as the command that failed, or the
 * details of an error of the database, which are rows. Values of rows are taken out of the texts. What is no error is told as text.
 */
export function errorFields(error: unknown, depth = 0): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error, message: withoutValues(String(error)), stack: '' }
  const message = withoutValues(error.message)
  const code = 'code' in error ? error.code : undefined
  const inner = depth < DEEPEST
  return {
    type: error.constructor.name || error.name,
    message,
    // It repeats the message.
    stack: error.stack?.replace(error.message, () => message) ?? '',
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(inner && error.cause !== undefined ? { cause: errorFields(error.cause, depth + 1) } : {}),
    ...(inner && error instanceof AggregateError
      ? { errors: error.errors.slice(0, DEEPEST).map((one) => errorFields(one, depth + 1)) }
      : {})
  }
}

function withoutValues(text: string): string {
  return VALUES.reduce((left, [pattern, replacement]) => left.replace(pattern, replacement), text)
}
