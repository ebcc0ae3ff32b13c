import t, { type Test } from 'tap'
import { register } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'
import { generate, PATH } from '../support/generations.ts'
import { type Answer, send, sendBytes } from '../support/http.ts'

/** Characters that need no quoting in a log, a header or a shell. */
const WELL_FORMED = /^[\w.-]+$/

function checkTiming(t: Test, { headers }: Answer, what: string) {
  t.match(headers.get('x-request-id'), WELL_FORMED, `${what}: X-Request-Id`)
  t.match(headers.get('x-response-time'), /^\d+\.\d{3}ms$/, `${what}: X-Response-Time`)
  t.match(headers.get('x-cache-hits'), /^\d+$/, `${what}: X-Cache-Hits`)
  t.match(headers.get('x-cache-misses'), /^\d+$/, `${what}: X-Cache-Misses`)
  t.match(headers.get('server-timing'), /^\w+;dur=\d+(\.\d+)?(, \w+;dur=\d+(\.\d+)?)*$/, `${what}: Server-Timing`)
}

const milliseconds = ({ headers }: Answer) => Number.parseFloat(headers.get('x-response-time') ?? '')

bothWays(t, async (t, { url }) => {
  const course = `${url}/api/v1/courses/1`

  const targets = {
    'a miss': '/api/v1/courses/1/modules',
    'a hit': '/api/v1/courses/1/modules',
    'a list': '/api/v1/courses?sort=title',
    'a route that caches nothing': '/health/live',
    readiness: '/health/ready',
    'the OpenAPI document': '/openapi.json',
    'the documentation': '/docs',
    'a static file': '/docs/static/swagger-ui.css',
    'a missing static file': '/docs/static/nothing.css',
    'an unknown URL': '/nothing',
    'an unknown course': '/api/v1/courses/999999',
    'an invalid parameter': '/api/v1/courses?limit=0',
    'a malformed URL': '/%',
    'a parameter that is too long': `/api/v1/categories/${'a'.repeat(500)}`,
    'a URL that is too long': `/${'a'.repeat(40_000)}`
  }
  for (const [what, path] of Object.entries(targets)) {
    await t.test(`the headers are on ${what}, by GET, HEAD, POST and OPTIONS`, async (t) => {
      for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
        const answer = await send(url + path, { method })
        checkTiming(t, answer, method)
        if (method === 'HEAD') t.equal(answer.body, '')
      }
    })
  }

  await t.test('the headers are on a 304', async (t) => {
    const answer = await send(course, { headers: { 'If-None-Match': '*' } })
    t.equal(answer.status, 304)
    checkTiming(t, answer, '304')
  })

  await t.test('the headers are on answers to malformed HTTP', async (t) => {
    const requests = {
      garbage: '\x16\x03\x01 hello\r\n\r\n',
      'an unknown method': 'FETCH / HTTP/1.1\r\nHost: x\r\n\r\n',
      TRACE: 'TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      'HTTP/1.0': 'GET /health/live HTTP/1.0\r\n\r\n',
      'no Host': 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
      'an unknown expectation': 'GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nConnection: close\r\n\r\n',
      'a broken body':
        'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{'
    }
    for (const [what, bytes] of Object.entries(requests)) checkTiming(t, await sendBytes(url, bytes), what)
  })

  await t.test('the headers are on a stream, and describe its start', async (t) => {
    const ann = await register(url, 'ann')
    const { id } = await generate(ann)
    const stream = await ann.get(`${PATH}/${id}/events`, { 'x-request-id': 'stream-1' })
    t.match(stream.headers.get('content-type'), 'text/event-stream')
    t.equal(stream.headers.get('x-request-id'), 'stream-1')
    checkTiming(t, { status: stream.status, headers: stream.headers, body: '' }, 'stream')
    t.match(await stream.text(), 'event: progress')
  })

  await t.test('X-Response-Time is the duration of the request', async (t) => {
    const start = performance.now()
    const answer = await send(`${url}/api/v1/courses?search=time`)
    const elapsed = performance.now() - start
    t.ok(milliseconds(answer) > 0, 'greater than zero')
    t.ok(milliseconds(answer) <= elapsed, `${milliseconds(answer)} of ${elapsed} ms`)
  })

  await t.test('X-Cache-Hits and X-Cache-Misses count the look-ups of one request', async (t) => {
    const lookups = async (path: string) => {
      const { headers } = await send(url + path)
      return [headers.get('x-cache-hits'), headers.get('x-cache-misses')]
    }
    t.same(await lookups('/api/v1/courses/9'), ['0', '1'])
    t.same(await lookups('/api/v1/courses/9'), ['1', '0'])
    t.same(await lookups('/api/v1/courses/9'), ['1', '0'], 'not cumulative')
    t.same(await lookups('/health/live'), ['0', '0'])
    t.same(await lookups('/nothing'), ['0', '0'])
    t.same(await lookups('/api/v1/courses?limit=0'), ['0', '0'])
  })

  const echoed = async (id: string, target = course) =>
    (await send(target, { headers: { 'X-Request-Id': id } })).headers.get('x-request-id')

  await t.test('a well-formed X-Request-Id is echoed, on errors too', async (t) => {
    for (const id of ['42', 'req-7.a_B', '0190c3f5-1c4b-7d6e-8f90-123456789abc', 'a'.repeat(40)]) {
      for (const target of [course, `${url}/nothing`, `${url}/%`, `${course}?x=1`])
        t.equal(await echoed(id, target), id)
    }
    const answer = await send(`${course}?x=1`, { headers: { 'X-Request-Id': 'req-7' } })
    t.match(answer.body, '"requestId":"req-7"')
  })

  await t.test('any other X-Request-Id is replaced by a new one', async (t) => {
    const seen = new Set<string | null>()
    const wrong = [
      '',
      'a b',
      'a,b',
      '"a"',
      '<script>',
      'a'.repeat(65),
      'a'.repeat(5000),
      '\xe9',
      '{"a":1}',
      'a;b',
      '../a'
    ]
    for (const id of wrong) {
      const given = await echoed(id)
      t.match(given, WELL_FORMED, id.slice(0, 20))
      t.not(given, id)
      seen.add(given)
    }
    t.match(await echoed('a b', `${url}/%`), WELL_FORMED, 'on errors too')
    t.equal(seen.size, wrong.length, 'each request gets a new id')
  })

  await t.test('two X-Request-Id headers are both ignored', async (t) => {
    const bytes = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: a\r\nX-Request-Id: b\r\n\r\n'
    t.match((await sendBytes(url, bytes)).headers.get('x-request-id'), /^[\w.-]{2,}$/)
  })
})
