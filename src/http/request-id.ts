import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** What an inbound X-Request-Id may look like; any other is replaced. */
const REQUEST_ID = /^[\w.-]{1,64}$/

/** The id that a request brings along, else a new one. */
export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}
