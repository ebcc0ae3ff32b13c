import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** The accepted form of an inbound X-Request-Id; any other is replaced. */
const REQUEST_ID = /^[\w.-]{1,64}$/

/** The id that the client sent, else a new one. */
export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}
