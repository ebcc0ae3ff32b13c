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

/** Every header that an answer may have, beside those of HTTP itself, of browsers' security and of CORS. */
export const headers = {
  'X-Request-Id': text('names the request in the log', '019ac3a5-7d0e-7a3c-9b7e-2f0c6d1f5a10'),
  'X-Response-Time': text('how long the service took', '1.234ms'),
  'X-Cache-Hits': count('entries that the cache had', 1),
  'X-Cache-Misses': count('entries that had to be loaded', 0),
  'X-Cache': text('where the answer comes from: HIT, MISS, STALE or BYPASS', 'HIT'),
  'Server-Timing': text('where the time went', 'cache;dur=0.021, load;dur=0.000, total;dur=1.234'),
  'Cache-Control': text('who may keep the answer, and for how long', 'no-store'),
  'X-RateLimit-Limit': count('requests that are allowed in the window of the limit', 100),
  'X-RateLimit-Remaining': count('how many of them are left', 99),
  'X-RateLimit-Reset': count('seconds until the window ends', 3600),
  ETag: text('the version of what is answered, for If-None-Match and If-Match', '"2jmj7l5rSw0yVb_vlWAYkK_YBwk"'),
  Location: text('where what was made is found', '/api/v1/courses/1'),
  'Content-Location': text('where what is answered has its own address', '/api/v1/courses/1'),
  'Set-Cookie': text('the session, or its end', 'sid=...; Path=/; HttpOnly; SameSite=Lax'),
  'X-Accel-Expires': text('for nginx, which may keep the answer, and asks before it uses it', '@1'),
  'Retry-After': count('seconds after which it makes sense to try again', 5),
  'WWW-Authenticate': text('how to say who one is', 'Bearer realm="AI Akademiya"'),
  'Accept-Encoding': text('the encodings of a body that are taken', 'identity')
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

/** What each status says, and the headers that it brings along. */
const answers = new Map<string, { readonly description: string; readonly headers?: readonly HeaderName[] }>([
  ['200', { description: 'What was asked for' }],
  ['201', { description: 'It was made' }],
  ['202', { description: 'It will be done' }],
  ['204', { description: 'It is done, and there is nothing to say' }],
  ['301', { description: 'It is somewhere else now', headers: ['Location'] }],
  [
    '304',
    {
      description: 'What the client has is still right',
      headers: ['ETag', 'X-Cache', 'X-Accel-Expires', 'Content-Location']
    }
  ],
  ['400', { description: 'The request is not as it must be: the message names the field' }],
  [
    '401',
    {
      description:
        'Nobody is signed in, or the access token is wrong; the cookie of a session that has ended is cleared',
      headers: ['WWW-Authenticate', 'Set-Cookie']
    }
  ],
  [
    '403',
    { description: 'It is not for this account or access token, or not from this page', headers: ['WWW-Authenticate'] }
  ],
  ['404', { description: 'It is not there, or not visible to you' }],
  ['409', { description: 'What is there does not allow it' }],
  ['412', { description: 'It was changed since the version that If-Match names' }],
  ['413', { description: 'The body is too large' }],
  ['415', { description: 'The body is not plain JSON', headers: ['Accept-Encoding'] }],
  ['422', { description: 'Idempotency-Key was used for another body' }],
  ['429', { description: 'Too much, or too often', headers: ['Retry-After'] }],
  ['503', { description: 'Not now', headers: ['Retry-After'] }]
])

/** What only an answer with a body has. */
const OF_BODIES: readonly HeaderName[] = ['ETag', 'X-Cache', 'X-Accel-Expires', 'Content-Location']

/**
 * Says of each answer of an operation what it means, and with which headers it comes. What is the same everywhere, errors and answers without
 * a body, is put into `shared`, by name, and the operation refers to it.
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
