import { STATUS_CODES } from 'node:http'
import t, { type Test } from 'tap'
import { securityHeaders } from '#http/security-headers.ts'
import { register } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'
import { ErrorBody, parse } from '../support/contract.ts'
import { type Answer, send, sendBytes } from '../support/http.ts'

/** Checks an error against the contract: its shape, the same status in body and status line, a request id, no internals. */
function checkError(t: Test, { status, headers, body }: Answer, wanted: number | readonly number[]) {
  t.ok([wanted].flat().includes(status), `${status} is ${wanted}`)
  t.match(headers.get('content-type'), /^application\/json/)
  const error = parse(ErrorBody, body)
  t.equal(error.statusCode, status)
  t.equal(error.error, STATUS_CODES[status])
  t.equal(error.requestId, headers.get('x-request-id'))
  t.match(headers.get('cache-control'), 'no-store')
  for (const [name, value] of Object.entries(securityHeaders)) t.equal(headers.get(name), value, name)
  t.notMatch(body, /prisma|postgres|node_modules|\.[jt]s:\d|\\n/i, 'no internals')
  return error
}

const nobody = '/api/v1/courses/999999'
const long = (bytes: number) => 'a'.repeat(bytes)

bothWays(t, async (t, { app, url }) => {
  const courses = `${url}/api/v1/courses`

  for (const path of ['/nothing', '/api/v1', '/api/v2/courses', '/%00', `/${long(20_000)}`, '/..%2F..%2Fetc']) {
    await t.test(`${path.slice(0, 30)} is 404`, async (t) => {
      t.equal(checkError(t, await send(url + path), 404).code, 'NOT_FOUND')
    })
  }

  for (const path of [nobody, `${nobody}/modules`, `${nobody}/chapters/1`, '/api/v1/courses/1/chapters/999999']) {
    await t.test(`${path} is 404, as no such record exists`, async (t) => {
      t.equal(checkError(t, await send(url + path), 404).code, 'NOT_FOUND')
    })
  }

  const wrongQueries: [name: string, ...queries: string[]][] = [
    ['limit', 'limit=0', 'limit=x', 'limit=-1', 'limit=1.5', 'limit=', 'limit', 'limit=101', 'limit=1&limit=2'],
    ['limit', 'limit=1e999', 'limit=-1e999', 'limit=Infinity', 'limit=NaN', 'limit=null', 'limit[]=1'],
    ['page', 'page=0', 'page=99999999999', 'page=-1', 'page=1e999', 'page=Infinity', 'page=true', 'page=1;2'],
    ['author', 'author=me', 'author=0', 'author=2147483648', 'author=1e999', 'author=-Infinity'],
    ['level', 'level=expert', 'level=Beginner', 'level=', 'level=beginner&level=advanced'],
    ['sort', 'sort=id', 'sort=-title', 'sort=title,id', 'sort=__proto__'],
    ['language', 'language=r', 'language=%D1%80%D1%83', "language='", `language=${long(40)}`],
    ['category', 'category=Data', 'category=a%20b', 'category=%00', `category=${long(65)}`],
    ['search', 'search=', 'search=%00', 'search=a%0Ab', `search=${long(201)}`, `search=${long(20_000)}`],
    ['foo', 'foo=1', 'foo', 'limit=1&foo=', `foo=${long(20_000)}`],
    ['__proto__', '__proto__=1', 'limit=1&__proto__=1'],
    ['constructor', 'constructor=1', 'constructor[prototype]=1']
  ]
  for (const [name, ...wrong] of wrongQueries) {
    await t.test(`?${wrong.map((query) => query.slice(0, 40)).join(' ?')} is 400 and names ${name}`, async (t) => {
      for (const query of wrong) {
        const { code, message } = checkError(t, await send(`${courses}?${query}`), 400)
        t.equal(code, 'VALIDATION_FAILED')
        t.ok(message.includes(name), message)
        t.ok(message.length < 300, 'the message does not repeat the input')
      }
    })
  }

  await t.test('a malformed id is 400, and the message names the parameter', async (t) => {
    for (const id of [
      'abc',
      '0',
      '-1',
      '1.5',
      '2147483648',
      '1e999',
      '-1e999',
      'Infinity',
      'NaN',
      '%00',
      '%20',
      '1;2'
    ]) {
      t.match(checkError(t, await send(`${courses}/${id}`), 400), { code: 'VALIDATION_FAILED', message: /\bid\b/ }, id)
      t.match(checkError(t, await send(`${courses}/${id}/modules`), 400).message, /\bid\b/, id)
      t.match(checkError(t, await send(`${courses}/1/chapters/${id}`), 400).message, /\bchapterId\b/, id)
    }
    checkError(t, await send(`${courses}/${'1'.repeat(500)}`), [400, 414])
  })

  await t.test('an unknown query parameter is 400, whatever the method', async (t) => {
    // A client without access to a route learns nothing about its parameters.
    const { cookie } = await register(url, 'admin')
    await app.database.client.user.update({ where: { email: 'admin@example.org' }, data: { role: 'admin' } })
    for (const [method, path] of [
      ['GET', '/api/v1/courses/1'],
      ['GET', '/api/v1/categories'],
      ['DELETE', '/api/v1/categories/none'],
      ['PUT', '/api/v1/courses/1/enrollment'],
      ['POST', '/api/v1/auth/logout']
    ] as const) {
      const answer = await send(`${url}${path}?surprise=1`, { method, headers: { cookie } })
      t.match(checkError(t, answer, 400).message, 'unknown field surprise', `${method} ${path}`)
    }
  })

  await t.test('a path that does not decode to text is 400', async (t) => {
    for (const path of ['/%', '/%zz', '/%FF', '/api/v1/courses/%', '/api/v1/categories/%E0%A4%A', '/docs/%']) {
      checkError(t, await send(url + path), 400)
    }
  })

  await t.test('a body that is not JSON is 400, or 405 unread where the path takes no body', async (t) => {
    for (const body of ['{"title":', 'null,', '\0', '{"__proto__":{}}']) {
      for (const target of [`${courses}/1`, `${url}/nothing`]) {
        const answer = await send(target, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
        checkError(t, answer, target === `${courses}/1` ? 405 : 400)
      }
    }
    const text = { method: 'POST', body: 'hello', headers: { 'Content-Type': 'text/plain' } }
    checkError(t, await send(`${courses}/1`, text), 405)
  })

  await t.test('an unknown path is 404, whatever the method', async (t) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND']) {
      checkError(t, await send(`${courses}/1/modules/1/nothing`, { method }), 404)
    }
  })

  const line = (method: string, target = '/api/v1/courses') => `${method} ${target} HTTP/1.1`
  const rest = '\r\nHost: x\r\nConnection: close\r\n'
  const malformed = {
    'a method that does not exist': `${line('FETCH')}${rest}\r\n`,
    'a method in lower case': `${line('get')}${rest}\r\n`,
    'an HTTP version that does not exist': `GET / HTTP/9.9${rest}\r\n`,
    'a space in the URL': `${line('GET', '/api/v1/courses?search=a b')}${rest}\r\n`,
    'a header without a colon': `${line('GET')}${rest}nonsense\r\n\r\n`,
    'a header with a NUL': `${line('GET')}${rest}X: a\0b\r\n\r\n`,
    'two Content-Length headers': `${line('POST')}${rest}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
    'Content-Length and chunks': `${line('POST')}${rest}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'two Host headers': `${line('GET')}${rest}Host: x\r\n\r\n`,
    'two different Host headers, on a route of the front door': `${line('GET', '/api/v1/categories')}${rest}Host: y\r\n\r\n`,
    'a request without Host': `${line('GET')}\r\nConnection: close\r\n\r\n`,
    'the start of a TLS session': Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3),
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'a command of Redis': '*1\r\n$4\r\nPING\r\n'
  }
  for (const [what, bytes] of Object.entries(malformed)) {
    await t.test(`${what} is 400`, async (t) => {
      checkError(t, await sendBytes(url, bytes), 400)
    })
  }

  await t.test('TRACE is 405 and echoes nothing', async (t) => {
    const answer = await sendBytes(url, `${line('TRACE')}${rest}Cookie: sid=secret\r\n\r\n`)
    checkError(t, answer, 405)
    t.notMatch(answer.body, 'secret')
  })

  await t.test('an unknown expectation is 417', async (t) => {
    checkError(t, await sendBytes(url, `${line('GET')}${rest}Expect: miracles\r\n\r\n`), 417)
  })

  await t.test('a URL of 40 KB and headers of 40 KB are refused as too large', async (t) => {
    checkError(t, await send(`${url}/${long(40_000)}`), [414, 431])
    checkError(t, await send(`${courses}?search=${long(40_000)}`), [414, 431])
    checkError(t, await send(courses, { headers: { 'X-Long': long(40_000) } }), 431)
  })

  await t.test('the service still answers after all of these requests', async (t) => {
    t.equal((await send(courses)).status, 200)
  })
})
