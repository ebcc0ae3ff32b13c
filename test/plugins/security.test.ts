import t from 'tap'
import { Actor, ADMIN, register } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { bodyOf, lookInto, spawnFor, startStack, statusOf } from '../support/people.ts'

const LOGIN = '/api/v1/auth/login'
const FRONT_END = 'https://app.example'

/** The sources that a policy allows for a directive, such as `script-src`. */
function sources(policy: string, kind: string): string[] {
  const directives = new Map(
    policy.split(';').map((text) => [text.trim().split(' ')[0] ?? '', text.trim().split(' ').slice(1)])
  )
  return directives.get(kind) ?? directives.get('default-src') ?? ['*']
}

t.test('security headers, CORS and redaction', async (t) => {
  const { redis, env } = await startStack(t)
  const service = await spawnFor(t, { ...env, CORS_ORIGINS: `${FRONT_END},https://other.example`, LOG_LEVEL: 'debug' })
  const { url } = service
  const visitor = new Actor(url)
  const preflight = (origin: string, method: string, headers = 'content-type,if-match') => {
    const asked = { origin, 'access-control-request-method': method, 'access-control-request-headers': headers }
    return visitor.request('OPTIONS', '/api/v1/courses/1', undefined, asked)
  }

  await t.test('every answer has the security headers, errors included', async (t) => {
    for (const path of [
      '/api/v1/courses',
      '/api/v1/courses/1',
      '/api/v1/courses/999999',
      '/nowhere',
      '/api/v1/users/me',
      '/health/live'
    ]) {
      const { headers } = await visitor.get(path)
      t.match(headers.get('content-security-policy'), /default-src 'none'.*frame-ancestors 'none'/, path)
      t.equal(headers.get('x-content-type-options'), 'nosniff', path)
      t.match(headers.get('strict-transport-security'), /max-age=\d{7,}/, path)
      t.ok(headers.get('referrer-policy') && headers.get('x-frame-options'), path)
      t.equal(headers.get('x-powered-by'), null)
    }
    const page = await visitor.get('/admin/redis-stats/')
    t.match(
      page.headers.get('content-security-policy'),
      /^default-src 'none'; script-src 'self';/,
      'a page has its own policy'
    )
  })

  await t.test(
    'a browser can show /docs: the policy allows every asset, and the page has no inline script',
    async (t) => {
      const page = await visitor.get('/docs/')
      const html = await page.text()
      const policy = page.headers.get('content-security-policy') ?? ''
      t.match(html, /swagger-ui/)
      const scripts = [...html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)]
      t.ok(scripts.length > 0)
      for (const [, attributes = '', inline = ''] of scripts) {
        if (inline.trim() !== '')
          t.ok(
            sources(policy, 'script-src').some((source) => /'unsafe-inline'|'sha256-|'nonce-/.test(source)),
            'inline'
          )
        if (!/src=/.test(attributes)) continue
        t.ok(sources(policy, 'script-src').includes("'self'"), `${policy} allows ${attributes}`)
      }
      for (const kind of ['style-src', 'img-src', 'connect-src'])
        t.ok(sources(policy, kind).includes("'self'"), `${policy} allows ${kind}`)
      t.notMatch(policy, /upgrade-insecure-requests/, 'the page is served over plain HTTP too')
      for (const [, path = ''] of html.matchAll(/(?:src|href)="(\.[^"]+)"/g)) {
        t.equal(await statusOf(visitor.get(new URL(path, `${url}/docs/`).pathname)), 200, path)
      }
      t.equal(await statusOf(visitor.get('/docs/json')), 200)
    }
  )

  await t.test('only allowed front ends may send cross-origin requests, with every method', async (t) => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const { status, headers } = await preflight(FRONT_END, method)
      t.equal(status, 204)
      t.equal(headers.get('access-control-allow-origin'), FRONT_END)
      t.equal(headers.get('access-control-allow-credentials'), 'true')
      t.ok(
        headers.get('access-control-allow-methods')?.split(/, ?/).includes(method),
        `${method} in ${headers.get('access-control-allow-methods')}`
      )
      t.match(headers.get('access-control-allow-headers'), /if-match/)
    }
    const read = await visitor.get('/api/v1/courses/1', { origin: FRONT_END })
    t.equal(read.headers.get('access-control-allow-origin'), FRONT_END)
    t.match(read.headers.get('vary'), /origin/i)
    const exposed = read.headers.get('access-control-expose-headers') ?? ''
    for (const header of ['etag', 'location', 'retry-after', 'x-request-id'])
      t.match(exposed.toLowerCase(), header, 'scripts may read this header')
    for (const origin of ['https://evil.example', 'https://app.example.evil', 'http://app.example', 'null']) {
      t.equal((await preflight(origin, 'PATCH')).headers.get('access-control-allow-origin'), null, origin)
      t.equal(
        (await visitor.get('/api/v1/courses', { origin })).headers.get('access-control-allow-origin'),
        null,
        origin
      )
    }
  })

  await t.test('a foreign origin changes nothing, nor does a body that an HTML form can send', async (t) => {
    const ann = await register(url, 'ann')
    const change = (origin: string) => ann.request('PATCH', '/api/v1/users/me', { bio: origin }, { origin })
    for (const origin of ['https://evil.example', 'null', url.replace('http:', 'https:'), `${url}0`]) {
      t.match(await bodyOf(ErrorBody, await change(origin), 403), { code: 'FOREIGN_ORIGIN' }, origin)
      t.equal(await statusOf(visitor.request('POST', LOGIN, ADMIN, { origin })), 403)
      t.equal(await statusOf(ann.request('POST', '/api/v1/auth/logout', undefined, { origin })), 403)
      t.equal(await statusOf(ann.get('/api/v1/users/me', { origin })), 200, 'reading changes nothing')
    }
    for (const origin of [url, FRONT_END, 'https://other.example']) t.equal(await statusOf(change(origin)), 200, origin)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/plain;charset=UTF-8']) {
      t.equal(await statusOf(visitor.request('POST', LOGIN, ADMIN, { 'content-type': type })), 415, type)
    }
    t.equal(await statusOf(ann.get('/api/v1/auth/session')), 200)
  })

  await t.test('the log has no password, cookie or Authorization header, whatever fails', async (t) => {
    const secrets = ['a-password-in-the-log', 'another-password-in-the-log', 'token-in-the-log', 'cookie-in-the-log']
    const [password = '', next = '', token = '', cookie = ''] = secrets
    const authorization = { authorization: `Bearer ${token}` }
    const ofProxy = { authorization: `Basic ${token}` }
    const name = { email: 'logged@example.org', name: 'Logged' }
    const bea = new Actor(url)
    const answer = await bea.request('POST', '/api/v1/auth/register', { ...name, password }, ofProxy)
    bea.cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    t.equal(answer.status, 201)
    await statusOf(bea.request('POST', LOGIN, { ...name, password }, authorization))
    await statusOf(bea.request('POST', LOGIN, { ...name, password }, ofProxy))
    await statusOf(visitor.request('POST', LOGIN, { email: name.email, password: `${password}!` }))
    await statusOf(visitor.request('POST', '/api/v1/auth/register', { ...name, password, extra: password }))
    await statusOf(new Actor(url, `sid=${cookie}`).get('/api/v1/auth/session', authorization))
    await statusOf(bea.request('POST', '/api/v1/auth/password', { current: 'not it', next }))
    await statusOf(
      fetch(url + LOGIN, {
        method: 'POST',
        body: `{"password":"${password}`,
        headers: { 'content-type': 'application/json' }
      })
    )

    // When Redis refuses writes, every write fails with an error that contains its arguments.
    const inRedis = lookInto(t, redis)
    await inRedis.config('SET', 'maxmemory', '1')
    t.equal(await statusOf(visitor.request('POST', LOGIN, { email: name.email, password })), 503)
    await statusOf(bea.request('PATCH', '/api/v1/users/me', { bio: 'b' }, authorization))
    await statusOf(bea.get('/api/v1/courses/3', authorization))
    await inRedis.config('SET', 'maxmemory', '0')
    await redis.kill()
    await statusOf(bea.get('/api/v1/users/me', authorization))
    await statusOf(bea.get('/api/v1/courses/4', authorization))

    await service.kill('SIGTERM')
    const log = service.output()
    t.match(log, '/api/v1/auth/register', 'requests are logged')
    const id = bea.cookie.slice('sid='.length).split('.')[0] ?? ''
    for (const secret of [...secrets, ADMIN.password, id, 'argon2']) t.notMatch(log, secret, secret)
    const lines = log.split('\n').filter((line) => line.startsWith('{'))
    t.ok(lines.length > 10)
    for (const line of lines) t.ok(JSON.parse(line).level)
  })
})
