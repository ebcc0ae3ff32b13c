import { errors } from './errors.ts'
import { NotModified } from './no-content.ts'

/** What determines the possible answers of an operation, apart from its handler. */
export interface OperationFacts {
  readonly method: string
  /** Its answer has an entity tag. */
  readonly tagged: boolean
}

/** The answers that plugins give for every operation of the API, by status, so that no route need name them. */
export function impliedResponses({ method, tagged }: OperationFacts): Record<number, object> {
  const read = method === 'GET'
  // 400: an unknown query parameter. 401: no session, or a wrong access token, which public operations refuse as well.
  // 403: an access token without the scope. 429: the rate limit. 503: the database is down, or the service is
  // overloaded.
  const statuses = [400, 401, 403, 429, 503]
  // The body is too large or not JSON; it is read whether or not the route needs it.
  if (!read) statuses.push(413, 415)
  return read && tagged ? { 304: NotModified, ...errors(...statuses) } : errors(...statuses)
}
