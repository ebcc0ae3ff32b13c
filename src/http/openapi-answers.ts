import { STATUS_CODES } from 'node:http'
import type { OpenAPIV3_1 } from 'openapi-types'
import { ERROR_TITLE } from './errors.ts'

type Operation = OpenAPIV3_1.OperationObject
type Response = OpenAPIV3_1.ResponseObject
type Header = OpenAPIV3_1.HeaderObject

const text = (description: string, example: string): Header => ({ description, schema: { type: 'string' }, example })
const count = (description: string, example: number): Header => ({
  description,
  schema: { type: 'integer', minimum: 0 },
  example
})

/** Every header that an answer may have, apart from those of HTTP itself, browser security and CORS. */
export const headers = {
  'X-Request-Id': text('identifies the request in the log', '019ac3a5-7d0e-7a3c-9b7e-2f0c6d1f5a10'),
  'X-Response-Time': text('how long the service took', '1.234ms'),
  'X-Cache-Hits': count('entries found in the cache', 1),
  'X-Cache-Misses': count('entries that had to be loaded', 0),
  'X-Cache': text('where the answer comes from: HIT, MISS, STALE or BYPASS', 'HIT'),
  'Server-Timing': text('where the time went', 'cache;dur=0.021, load;dur=0.000, total;dur=1.234'),
  'Cache-Control': text('who may cache the answer, and for how long', 'no-store'),
  'X-RateLimit-Limit': count('requests allowed in the window of the limit', 100),
  'X-RateLimit-Remaining': count('how many of them are left', 99),
  'X-RateLimit-Reset': count('seconds until the window ends', 3600),
  ETag: text('the version of the resource, for If-None-Match and If-Match', '"2jmj7l5rSw0yVb_vlWAYkK_YBwk"'),
  Location: text('the URL of what was created', '/api/v1/courses/1'),
  'Content-Location': text('the canonical URL of the answer', '/api/v1/courses/1'),
  'Set-Cookie': text('the session, or its end', 'sid=...; Path=/; HttpOnly; SameSite=Lax'),
  'X-Accel-Expires': text('for nginx, which may store the answer but must revalidate it', '@1'),
  'Retry-After': count('seconds to wait before the next attempt', 5),
  'WWW-Authenticate': text('how to authenticate', 'Bearer realm="AI Akademiya"'),
  'Accept-Encoding': text('the accepted encodings of a request body', 'identity')
} satisfies Record<string, Header>

export type HeaderName = keyof typeof headers

const ALWAYS: readonly HeaderName[] = [
  'X-Request-Id',
  'X-Response-Time',
  'X-Cache-Hits',
  'X-Cache-Misses',
  'Server-Timing',
  'Cache-Control',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset'
]

/** The meaning of each status, and the headers that come with it. */
const answers = new Map<string, { readonly description: string; readonly headers?: readonly HeaderName[] }>([
  ['200', { description: 'Success' }],
  ['201', { description: 'Created' }],
  ['202', { description: 'Accepted: the work is done later' }],
  ['204', { description: 'Success without a body' }],
  ['301', { description: 'Moved to the URL in Location', headers: ['Location'] }],
  [
    '304',
    {
      description: "The client's copy is current",
      headers: ['ETag', 'X-Cache', 'X-Accel-Expires', 'Content-Location']
    }
  ],
  ['400', { description: 'The request is invalid: the message names the field' }],
  [
    '401',
    {
      description: 'Nobody is signed in, or the access token is wrong; the cookie of an ended session is cleared',
      headers: ['WWW-Authenticate', 'Set-Cookie']
    }
  ],
  ['403', { description: 'Not allowed for this account, access token or page', headers: ['WWW-Authenticate'] }],
  ['404', { description: 'It does not exist, or is not visible to you' }],
  ['409', { description: 'Conflict with the current state' }],
  ['412', { description: 'It has changed since the version that If-Match names' }],
  ['413', { description: 'The body is too large' }],
  ['415', { description: 'The body is not plain JSON', headers: ['Accept-Encoding'] }],
  ['422', { description: 'Idempotency-Key was already used with a different body' }],
  ['429', { description: 'A limit is reached', headers: ['Retry-After'] }],
  ['503', { description: 'Temporarily unavailable', headers: ['Retry-After'] }]
])

/** Headers that only answers with a body have. */
const OF_BODIES: readonly HeaderName[] = ['ETag', 'X-Cache', 'X-Accel-Expires', 'Content-Location']

/**
 * Adds to each answer of an operation its meaning and its headers. Answers that are the same everywhere (errors, and
 * answers without a body) go into `shared`, by name, and the operation refers to them.
 */
export function describeAnswers(
  operation: Operation & { 'x-headers'?: HeaderName[] },
  shared: Record<string, Response | OpenAPIV3_1.ReferenceObject>
): void {
  const { responses = {}, 'x-headers': own = [] } = operation
  delete operation['x-headers']
  for (const [status, response] of Object.entries(responses)) {
    const known = answers.get(status)
    if (known === undefined || '$ref' in response) continue
    const hasBody = response.content !== undefined
    const added = own.filter((name) => hasBody || !OF_BODIES.includes(name))
    const isShared = status === '304' || isError(response) || (!hasBody && added.length === 0)
    const names: HeaderName[] = [...ALWAYS, ...(known.headers ?? []), ...(isShared ? [] : added)]
    const headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
    const described = { ...response, description: known.description, headers }
    if (isShared) {
      const name = (STATUS_CODES[status] ?? status).replaceAll(/\W/g, '')
      shared[name] = described
      responses[status] = { $ref: `#/components/responses/${name}` }
    } else responses[status] = described
  }
}

function isError({ content }: Response): boolean {
  const schema = content?.['application/json']?.schema
  return schema !== undefined && 'title' in schema && schema.title === ERROR_TITLE
}
