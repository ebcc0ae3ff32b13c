/** The error that a model service answered with. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  /** The HTTP status, or the one named in the body of a 200; null if there is none. */
  readonly status: number | null
  readonly retryAfterMs: number | null
  /** The model's text that the service rejected; Groq sends it along. */
  readonly written: string

  /** `errorText` is the whole body: its wording decides what is tried next. */
  constructor(errorText: string, status: number | null, retryAfterMs: number | null = null, written = '') {
    super(errorText)
    this.status = status
    this.retryAfterMs = retryAfterMs
    this.written = written
  }
}

/** The answer cannot be parsed or is empty. The request is retried. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
}

/** The error in a JSON body, in any of the known forms; null if there is none. */
export function errorIn(value: unknown, status: number | null): ServiceError | null {
  const body = fieldsOf(value)
  const inner =
    body.error ?? (body.object === 'error' || body.choices === undefined ? (body.detail ?? body.message) : null)
  if (inner === undefined || inner === null || inner === false) return null
  const { code, failed_generation: written } = fieldsOf(inner)
  const inside = typeof code === 'number' ? code : Number(code ?? Number.NaN)
  const known = status !== null && status >= 400 ? status : inside >= 400 && inside < 600 ? inside : null
  const errorText = typeof inner === 'string' ? inner : JSON.stringify(inner)
  return new ServiceError(errorText, known, null, typeof written === 'string' ? written : '')
}

/** The error of a response with an error status. */
export function errorOf(text: string, status: number, retryAfterMs: number | null): ServiceError {
  let body: unknown = null
  try {
    body = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    // Not JSON, such as the error page of a proxy.
  }
  // Google wraps the object in an array.
  const [value] = Array.isArray(body) ? body : [body]
  const written = errorIn(value, status)?.written ?? ''
  // Google puts the pause into the body.
  const [, delay] = /"retryDelay":\s*"(\d+(?:\.\d+)?)s"/.exec(text) ?? []
  return new ServiceError(text, status, retryAfterMs ?? (delay ? Number(delay) * 1000 : null), written)
}

/** The fields of an object; empty for anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}
