import t from 'tap'
import { Actor, register, signIn } from '../support/actors.ts'
import { bodyOf, lookInto, SessionUser, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'
import { fieldsOf, signedAgain } from '../support/stored-sessions.ts'

const SESSION = '/api/v1/auth/session'
const OLD = 'the secret of last year is long enough'
const NEW = 'the secret of this year is long enough'
const TTL_S = 60

const cookieOf = (answer: Response) => answer.headers.getSetCookie()[0] ?? ''
const account = (name: string) => ({ email: `${name}@example.org`, password: `password of ${name}`, name })

t.test('session cookies, on Redis', async (t) => {
  const { redis, env } = await startStack(t)
  const inRedis = lookInto(t, redis)
  const before = await startService(t, { ...env, SESSION_SECRET: OLD, SESSION_TTL: String(TTL_S) })
  const { url } = before

  await t.test('the cookie is Secure if the client uses TLS, and always in production', async (t) => {
    const https = { 'x-forwarded-proto': 'https' }
    const begin = async (at: string, name: string, headers?: Record<string, string>) =>
      cookieOf(await new Actor(at, '').request('POST', '/api/v1/auth/register', account(name), headers))
    const trusting = await startService(t, { ...env, TRUST_PROXY: 'true' })
    const production = await startService(t, { ...env, NODE_ENV: 'production' })
    const plain = await begin(trusting.url, 'plain')
    const secure = await begin(trusting.url, 'secure', https)
    const claimed = await begin(url, 'claims', https)
    const produced = await begin(production.url, 'prod')
    t.notMatch(plain, /Secure/)
    t.match(secure, /Secure/)
    t.notMatch(claimed, /Secure/, 'X-Forwarded-Proto of an untrusted client is ignored')
    t.match(produced, /Secure/)
    for (const cookie of [plain, secure, claimed, produced]) t.match(cookie, /(?=.*; HttpOnly)(?=.*; SameSite=Lax)/)
    await inRedis.flushall()
  })

  await t.test('a configured front end on another site gets the cookie over TLS; no other page does', async (t) => {
    const frontEnd = 'https://learn.example'
    const { url } = await startService(t, {
      SESSION_SAMESITE: 'none',
      CORS_ORIGINS: frontEnd,
      TRUST_PROXY: '1'
    })
    const https = { 'x-forwarded-proto': 'https', origin: frontEnd }
    const browser = new Actor(url)
    const answer = await browser.request('POST', '/api/v1/auth/register', account('far'), https)
    for (const cookie of answer.headers.getSetCookie()) t.match(cookie, /(?=.*; Secure)(?=.*; SameSite=None)/)
    t.equal(answer.headers.get('access-control-allow-credentials'), 'true')
    browser.cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    t.equal(await statusOf(browser.get(SESSION, https)), 200)
    const change = (origin: string) =>
      browser.request('PATCH', '/api/v1/users/me', { bio: origin }, { ...https, origin })
    t.equal((await change(frontEnd)).status, 200)
    for (const origin of ['https://evil.example', 'null', 'http://learn.example']) {
      t.equal((await change(origin)).status, 403, origin)
    }
  })

  await t.test('of several cookies with the same name the valid session counts, not a planted one', async (t) => {
    const own = await register(url, 'own')
    const old = await signIn(url, 'own@example.org', 'password of own')
    t.equal(await statusOf(old.request('POST', '/api/v1/auth/logout')), 204)
    const name = async (cookie: string) => {
      const answer = await new Actor(url, cookie).get(SESSION)
      return answer.status === 200 ? (await bodyOf(SessionUser, answer)).user.name : answer.status
    }
    const planted = 'sid=junk; sid=x.y'
    t.equal(await name(`${planted}; ${own.cookie}`), 'own', 'junk before the valid cookie')
    t.equal(await name(`${own.cookie}; ${planted}`), 'own', 'junk after the valid cookie')
    t.equal(await name(`${old.cookie}; ${own.cookie}`), 'own', 'an ended session before the valid cookie')
    t.equal(await name(`${own.cookie}; ${old.cookie}`), 'own')
    t.equal(await name(planted), 401)
    // A page on a sibling host plants its own session for some paths: browsers send that cookie first.
    const thief = await register(url, 'thief')
    t.equal(await name(`${thief.cookie}; ${own.cookie}`), 'own')
    t.equal(await name(`${'sid=junk; '.repeat(700)}${own.cookie}`), 'own')
    await inRedis.flushall()
  })

  await t.test(
    'in production only the __Host- cookie counts, and a cookie with the other name is ignored',
    async (t) => {
      const { url } = await startService(t, { ...env, NODE_ENV: 'production', SESSION_SECRET: OLD, TRUST_PROXY: '1' })
      const https = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1' }
      const browser = new Actor(url)
      const answer = await browser.request('POST', '/api/v1/auth/register', account('hosted'), https)
      const cookies = answer.headers.getSetCookie()
      t.match(cookies, [/^__Host-sid=/, /^__Host-browser=/])
      for (const cookie of cookies) {
        t.match(cookie, /(?=.*; Path=\/(;|$))(?=.*; HttpOnly)(?=.*; Secure)(?=.*; SameSite=Lax)/)
        t.notMatch(cookie, /Domain/)
      }
      browser.cookie = cookies[0]?.split(';')[0] ?? ''
      t.equal(await statusOf(browser.get(SESSION, https)), 200)
      const planted = (await register(before.url, 'planter')).cookie
      t.equal(await statusOf(new Actor(url, planted).get(SESSION, https)), 401, 'a valid session under the other name')
      const both = await new Actor(url, `${planted}; ${browser.cookie}`).get(SESSION, https)
      t.match(await bodyOf(SessionUser, both), { user: { name: 'hosted' } })
      t.match((await browser.request('POST', '/api/v1/auth/logout', undefined, https)).headers.getSetCookie(), [
        /^__Host-sid=; Max-Age=0; Path=\/;.*Secure/
      ])
      const forged = await new Actor(url, `${browser.cookie.slice(0, -4)}AAAA`).get(SESSION, https)
      t.match(
        forged.headers.getSetCookie(),
        [/^__Host-sid=; Max-Age=0;.*Secure/],
        'browsers accept no other attributes'
      )
      await inRedis.flushall()
    }
  )

  const sessionKey = async () => (await inRedis.keys('*:session:*')).at(0) ?? 'none'

  await t.test('a session is renewed by use once half of its TTL has passed, not by every request', async (t) => {
    const ann = await register(url, 'ann')
    const key = await sessionKey()
    const stored = (await inRedis.get(key)) ?? ''
    await inRedis.pexpire(key, 40_000)
    for (let i = 0; i < 3; i++) t.same((await ann.get(SESSION)).headers.getSetCookie(), [])
    t.ok((await inRedis.pttl(key)) <= 40_000, 'the session is not written')
    t.equal(await inRedis.get(key), stored)

    // The state 31 seconds later.
    const { renewedAt } = fieldsOf(stored)
    const aged = signedAgain(before.app.config, key, stored, { renewedAt: Number(renewedAt) - 31_000 }) ?? ''
    await inRedis.set(key, aged, 'PX', 29_000)
    const answer = await ann.get(SESSION)
    t.equal(answer.status, 200)
    t.match(cookieOf(answer), new RegExp(`^${ann.cookie.replace(/[.+/]/g, '\\$&')};`), 'the same session, for longer')
    t.ok((await inRedis.pttl(key)) > 55_000, `${await inRedis.pttl(key)} ms left`)
    t.same((await ann.get(SESSION)).headers.getSetCookie(), [])

    await inRedis.set(key, aged, 'PX', 29_000)
    const course = await ann.get('/api/v1/courses/1')
    t.equal(course.status, 200)
    if (course.headers.getSetCookie().length > 0) {
      t.notMatch(course.headers.get('cache-control'), /public/, 'shared caches do not store the cookie')
    }
    await inRedis.pexpire(key, 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    t.equal(await statusOf(ann.get(SESSION)), 401, 'expired')
    await inRedis.flushall()
  })

  await t.test('forged, unsigned and truncated cookies sign nobody in, and leave nothing behind', async (t) => {
    const ann = new Actor(url, (await register(url, 'forged')).cookie)
    const [id = '', signature = ''] = ann.cookie.slice('sid='.length).split('.')
    const before = new Set(await inRedis.keys('*'))
    const forged = [
      id,
      `${id}.`,
      `${id}.${'A'.repeat(signature.length)}`,
      `x${id}.${signature}`,
      `${id}.${signature}x`,
      '.',
      '%00',
      'a'.repeat(5000)
    ]
    for (const cookie of forged) {
      t.equal(await statusOf(new Actor(url, `sid=${cookie}`).get(SESSION)), 401, cookie.slice(0, 40))
      const read = await new Actor(url, `sid=${cookie}`).get('/api/v1/courses/2')
      t.equal(read.status, 200)
      if (read.headers.getSetCookie().length > 0)
        t.notMatch(read.headers.get('cache-control'), /public/, 'an answer that clears a cookie is not public either')
    }
    t.equal((await inRedis.keys('*:session:*')).length, 1)
    // Ignores keys of public reads and those that the process writes about itself.
    const left = (await inRedis.keys('*')).filter(
      (key) => !before.has(key) && !/:(course|tag|process|cache|limit|store|board)/.test(key)
    )
    t.strictSame(left, [])
    t.equal(await statusOf(ann.get(SESSION)), 200)
  })

  await t.test('a secret is rotated without signing anybody out', async (t) => {
    const ann = await register(url, 'rotated')
    const rotated = await startService(t, { ...env, SESSION_SECRET: `${NEW},${OLD}` })
    const there = new Actor(rotated.url, ann.cookie)
    for (let i = 0; i < 3; i++) {
      const answer = await there.get(SESSION)
      t.equal(answer.status, 200, `request ${i + 1} of a browser`)
      const [cookie] = answer.headers.getSetCookie()
      // As a browser does: store new cookies, drop cleared ones.
      if (cookie !== undefined) there.cookie = cookie.startsWith('sid=;') ? '' : (cookie.split(';')[0] ?? '')
    }
    const finished = await startService(t, { ...env, SESSION_SECRET: NEW })
    t.equal(
      await statusOf(new Actor(finished.url, there.cookie).get(SESSION)),
      200,
      'the cookie was signed again with the new secret'
    )
    t.equal(await statusOf(new Actor(finished.url, ann.cookie).get(SESSION)), 401, 'the old secret signs nobody in')
  })
})
