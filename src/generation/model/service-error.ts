/** What a model service said instead of an answer. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  /** The HTTP status, or what stands for it in an error inside of a 200; null where the service said none. */
  readonly status: number | null
  readonly retryAfterMs: number | null
  /** What a model had written when the service held it for wrong, as Groq does. */
  readonly written: string

  /** `said` is the whole body: its words decide what is tried next. */
  constructor(said: string, status: number | null, retryAfterMs: number | null = null, written = '') {
    super(said)
    this.status = status
    this.retryAfterMs = retryAfterMs
    this.written = written
  }
}

/** An answer that is none, or has nothing in it. It is asked for again. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
}

/** The error that a JSON body tells of, in any of the known forms; null where it tells of none. */
export function errorIn(value: unknown, status: number | null): ServiceError | null {
  const body = fieldsOf(value)
  const inner =
    body.error ?? (body.object === 'error' || body.choices === undefined ? (body.detail ?? body.message) : null)
  if (inner === undefined || inner === null || inner === false) return null
  const { code, failed_generation: written } = fieldsOf(inner)
  const inside = typeof code === 'number' ? code : Number(code ?? Number.NaN)
  const known = status !== null && status >= 400 ? status : inside >= 400 && inside < 600 ? inside : null
  const said = typeof inner === 'string' ? inner : JSON.stringify(inner)
  return new ServiceError(said, known, null, typeof written === 'string' ? written : '')
}

/** The error of an answer whose status says that it is one. */
export function errorOf(text: string, status: number, retryAfterMs: number | null): ServiceError {
  let body: unknown = null
  try {
    body = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    // A page of a proxy, as it is.
  }
  // Google wraps the object in an array.
  const [value] = Array.isArray(body) ? body : [body]
  const written = errorIn(value, status)?.written ?? ''
  // Google says it in the body.
  const [, delay] = /"retryDelay":\s*"(\d+(?:\.\d+)?)s"/.exec(text) ?? []
  return new ServiceError(text, status, retryAfterMs ?? (delay ? Number(delay) * 1000 : null), written)
}

/** The fields of an object; none of anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}
