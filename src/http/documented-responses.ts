import { errors } from './errors.ts'
import { NotModified } from './no-content.ts'

/** What the answers of an operation follow from, beside its handler. */
export interface OperationFacts {
  readonly method: string
  /** It takes a body. */
  readonly body: boolean
  /** Requests to it are counted. */
  readonly limited: boolean
  /** Everybody may ask; what is public is sent with an entity tag. */
  readonly public: boolean
}

/** The answers that plugins give for every operation of the API, by status, so that no route need name them. */
export function impliedResponses({ method, body, limited, public: isPublic }: OperationFacts): Record<number, object> {
  const read = method === 'GET'
  // An unknown query parameter; a database that is down, or too much load.
  const statuses = [400, 503]
  if (limited) statuses.push(429)
  // A foreign origin.
  if (!read) statuses.push(403)
  if (body) statuses.push(413, 415)
  return read && isPublic ? { 304: NotModified, ...errors(...statuses) } : errors(...statuses)
}
