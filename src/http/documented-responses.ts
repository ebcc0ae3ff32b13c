import { errors } from './errors.ts'
import { NotModified } from './no-content.ts'

/** What the answers of an operation follow from, beside its handler. */
export interface OperationFacts {
  readonly method: string
  /** Its answer has an entity tag. */
  readonly tagged: boolean
}

/** The answers that plugins give for every operation of the API, by status, so that no route need name them. */
export function impliedResponses({ method, tagged }: OperationFacts): Record<number, object> {
  const read = method === 'GET'
  // An unknown query parameter; nobody signed in, or a wrong access token, which public operations refuse, too; one without the scope;
  // the rate limit; a database that is down, or too much load.
  const statuses = [400, 401, 403, 429, 503]
  // A body that is too large or no JSON, which is read whether the route needs one or not.
  if (!read) statuses.push(413, 415)
  return read && tagged ? { 304: NotModified, ...errors(...statuses) } : errors(...statuses)
}
