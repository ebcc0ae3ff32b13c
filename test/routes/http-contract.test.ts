import t from 'tap'
import { admin, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { ErrorBody, parse } from '../support/contract.ts'
import { wanted } from '../support/generations.ts'
import { send } from '../support/http.ts'
import { type Service, startService } from '../support/service.ts'

const JSON_BODY = { 'content-type': 'application/json' }
const codeOf = (body: string) => parse(ErrorBody, body).code

const { url } = await startService(t, { RATE_LIMIT_ANONYMOUS: '1000' })
const people = await startService(t, peopleEnvironment)
const behindProxy = await startService(t, { ...peopleEnvironment, TRUST_PROXY: '1' })

t.test('methods', async (t) => {
  await t.test('a method that a path does not support is 405 with Allow', async (t) => {
    const answers: [string, string, string][] = [
      ['PUT', '/api/v1/courses', 'GET, HEAD, OPTIONS, POST'],
      ['DELETE', '/api/v1/stats', 'GET, HEAD, OPTIONS'],
      ['POST', '/health/live', 'GET, HEAD, OPTIONS'],
      ['GET', '/api/v1/auth/login', 'OPTIONS, POST'],
      ['HEAD', '/api/v1/auth/login', 'OPTIONS, POST'],
      ['POST', '/api/v1/courses/1', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
      ['POST', '/openapi.json', 'GET, HEAD, OPTIONS']
    ]
    for (const [method, path, allow] of answers) {
      const { status, headers, body } = await send(url + path, { method })
      t.same([status, headers.get('allow')], [405, allow], `${method} ${path}`)
      t.equal(headers.get('cache-control'), 'no-store')
      t.match(headers.get('x-ratelimit-remaining'), /^\d+$/)
      if (method !== 'HEAD') t.equal(codeOf(body), 'METHOD_NOT_ALLOWED')
    }
  })

  await t.test('a 405 does not depend on other headers', async (t) => {
    for (const headers of [{ 'if-match': '"a"' }, { authorization: 'Bearer aka_wrong' }]) {
      t.equal((await send(`${url}/api/v1/courses/1`, { method: 'PUT', headers })).status, 405)
      t.equal((await send(`${url}/api/v1/courses/1`, { method: 'OPTIONS', headers })).status, 204)
    }
    for (const body of ['', '{', 'x'.repeat(100)]) {
      for (const type of ['application/json', 'text/plain']) {
        const headers = { 'content-type': type }
        t.equal((await send(`${url}/api/v1/courses?a=1`, { method: 'PUT', headers, body })).status, 405)
      }
    }
  })

  await t.test('OPTIONS lists the methods, and is 404 for an unknown path', async (t) => {
    const { status, headers, body } = await send(`${url}/api/v1/courses`, { method: 'OPTIONS' })
    t.same([status, headers.get('allow'), body], [204, 'GET, HEAD, OPTIONS, POST', ''])
    t.equal((await send(`${url}/api/v1/nowhere`, { method: 'OPTIONS' })).status, 404)
    for (const method of ['GET', 'PUT']) t.equal((await send(`${url}/api/v1/nowhere`, { method })).status, 404)
  })
})

t.test('the path', async (t) => {
  await t.test('an integer has one accepted spelling', async (t) => {
    t.equal((await send(`${url}/api/v1/courses/1`)).status, 200)
    for (const id of ['0x1', '1e0', '01', '+1', '1.0', '%201', '1%0a', 'one', '']) {
      const { status, body } = await send(`${url}/api/v1/courses/${id}/modules`)
      t.same([status, codeOf(body)], [400, 'VALIDATION_FAILED'], id)
      t.match(body, 'id')
    }
    for (const page of ['0x1', '1e0', '01']) t.equal((await send(`${url}/api/v1/courses?page=${page}`)).status, 400)
  })

  await t.test('a trailing slash changes nothing', async (t) => {
    for (const path of ['/api/v1/courses', '/api/v1/courses/1', '/health/live', '/openapi.json', '/api/v1/stats']) {
      t.equal((await send(`${url}${path}/`)).status, 200, path)
    }
  })

  await t.test('tracking parameters are ignored, other unknown parameters are 400', async (t) => {
    const plain = await send(`${url}/api/v1/courses?limit=2`)
    const link = '&utm_source=mail&utm_campaign=%D1%8F&fbclid=a&gclid=b&yclid=c&dclid=d&wbraid=e&mc_cid=f&_ga=g'
    for (let n = 0; n < 3; n++) {
      const { status, headers, body } = await send(`${url}/api/v1/courses?limit=2${link}`)
      t.same([status, body, headers.get('x-cache')], [200, plain.body, 'HIT'], 'from the same cache entry')
    }
    for (const query of ['utm=1', 'ref=1', 'utm_=1']) {
      t.equal((await send(`${url}/api/v1/courses?${query}`)).status, 400, query)
    }
  })
})

t.test('a 401 has WWW-Authenticate', async (t) => {
  const { status, headers } = await send(`${url}/admin/redis-stats/`)
  t.same([status, headers.get('www-authenticate'), headers.get('etag')], [401, 'Bearer realm="AI Akademiya"', null])
  const login = { method: 'POST', headers: JSON_BODY, body: '{"email":"a@example.org","password":"wrong"}' }
  for (const answer of [await send(`${url}/api/v1/users/me`), await send(`${url}/api/v1/auth/login`, login)]) {
    t.same([answer.status, answer.headers.get('www-authenticate')], [401, 'Bearer realm="AI Akademiya"'])
  }
})

t.test('a body with Content-Encoding is 415', async (t) => {
  for (const encoding of ['gzip', 'br', 'GZIP', 'identity, gzip']) {
    const headers = { ...JSON_BODY, 'content-encoding': encoding }
    const {
      status,
      headers: answered,
      body
    } = await send(`${url}/api/v1/auth/login`, { method: 'POST', headers, body: '{}' })
    t.same([status, codeOf(body), answered.get('accept-encoding')], [415, 'ENCODED_BODY', 'identity'], encoding)
  }
  const headers = { ...JSON_BODY, 'content-encoding': 'identity' }
  t.equal((await send(`${url}/api/v1/auth/login`, { method: 'POST', headers, body: '{}' })).status, 400)
})

t.test('If-Match prevents a lost update of the own account', async (t) => {
  const ann = await register(url, 'ann')
  const me = '/api/v1/users/me'
  const etag = (await ann.get(me)).headers.get('etag') ?? ''
  const change = (name: string, ifMatch: string) => ann.request('PATCH', me, { name }, { 'if-match': ifMatch })
  const first = await change('First', etag)
  t.equal(first.status, 200)
  const second = await change('Second', etag)
  t.same([second.status, codeOf(await second.text())], [412, 'CHANGED_MEANWHILE'])
  t.equal(first.headers.get('etag'), (await ann.get(me)).headers.get('etag'), 'the answer to a change has the new ETag')
  t.equal((await change('Second', first.headers.get('etag') ?? '')).status, 200)

  const latest = (await ann.get(me)).headers.get('etag') ?? ''
  const race = await Promise.all(Array.from({ length: 10 }, (_, n) => change(`Writer ${n}`, latest)))
  t.same(race.map(({ status }) => status).sort(), [200, ...Array.from({ length: 9 }, () => 412)])
})

t.test('an idempotency key is bound to one body', async (t) => {
  const bob = await register(url, 'bob')
  const ask = (body: object) => bob.request('POST', '/api/v1/generation', body, { 'idempotency-key': 'one' })
  const first = await ask(wanted)
  t.equal(first.status, 202)
  const again = await ask(Object.fromEntries(Object.entries(wanted).reverse()))
  t.same([again.status, again.headers.get('location')], [202, first.headers.get('location')])
  const other = await ask({ ...wanted, topic: 'Something else' })
  t.same([other.status, codeOf(await other.text())], [422, 'IDEMPOTENCY_KEY_REUSED'])
})

t.test('Location has the prefix of a trusted proxy', async (t) => {
  const located = async (service: Service, prefix: string) => {
    const boss = await admin(service)
    await draftOf(boss)
    const body = { title: 'T', summary: 'S', description: 'D', level: 'beginner', language: 'en' }
    const { headers } = await boss.request('POST', '/api/v1/courses', body, { 'x-forwarded-prefix': prefix })
    return headers.get('location') ?? ''
  }
  t.match(await located(behindProxy, '/academy/'), /^\/academy\/api\/v1\/courses\/\d+$/)
  t.match(await located(behindProxy, '//evil.example'), /^\/api\/v1\/courses\/\d+$/)
  t.match(await located(behindProxy, '/academy/../..'), /^\/api\/v1\/courses\/\d+$/)
  t.match(await located(people, '/academy'), /^\/api\/v1\/courses\/\d+$/)
})

t.test('documents and pages work under the prefix of a proxy', async (t) => {
  const { url } = behindProxy
  const below = { headers: { 'x-forwarded-prefix': '/academy' } }
  for (const path of ['/openapi.json', '/docs/json']) {
    const serverOf = (body: string) => JSON.parse(body).servers[0].url
    t.equal(serverOf((await send(url + path, below)).body), '/academy', path)
    t.equal(serverOf((await send(url + path)).body), '/', path)
  }
  t.match((await send(`${url}/docs/yaml`, below)).body, 'url: /academy')
  t.match(JSON.parse((await send(url, below)).body), { api: '/academy/api/v1' })
  const { status, headers } = await send(`${url}/docs`, { redirect: 'manual' })
  t.same([status, headers.get('location')], [302, 'docs/'], 'relative')
})

t.test('only API routes check tokens', async (t) => {
  const headers = { authorization: 'Bearer aka_wrong' }
  for (const path of ['/health/live', '/metrics', '/docs/', '/openapi.json', '/']) {
    t.equal((await send(url + path, { headers })).status, 200, path)
  }
  t.equal((await send(`${url}/api/v1/courses`, { headers })).status, 401)
})

t.test('a request with a Content-Type and no body is answered', async (t) => {
  const boss = await admin(people)
  const headers = { cookie: boss.cookie, 'content-type': 'application/json' }
  // `fetch` sends no Content-Length with these.
  for (const [path, status] of [
    ['/api/v1/courses/1/enrollment', 204],
    ['/nothing', 404]
  ] as const) {
    const init = { method: 'DELETE', headers, signal: AbortSignal.timeout(5000) }
    t.equal((await fetch(people.url + path, init)).status, status, path)
  }
})
