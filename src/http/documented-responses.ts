import { errors } from './errors.ts'
import { NotModified } from './no-content.ts'

/** What the answers of an operation follow from, beside its handler. */
export interface OperationFacts {
  readonly method: string
  /** Visitors may call it. */
  readonly public: boolean
  /** Its answer has an entity tag. */
  readonly tagged: boolean
  /** Only accounts with a certain role may call it. */
  readonly role: boolean
}

/** The answers that plugins give for every operation of the API, by status, so that no route need name them. */
export function impliedResponses({ method, public: isPublic, tagged, role }: OperationFacts): Record<number, object> {
  const read = method === 'GET'
  // An unknown query parameter; the rate limit; a database that is down, or too much load.
  const statuses = [400, 429, 503]
  if (!isPublic) statuses.push(401)
  if (role) statuses.push(403)
  // A foreign origin; a body that is too large or no JSON, which is read whether the route needs one or not.
  if (!read) statuses.push(403, 413, 415)
  return read && tagged ? { 304: NotModified, ...errors(...statuses) } : errors(...statuses)
}
