import t from 'tap'
import { Actor, register } from '../support/actors.ts'
import { lookInto, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const SESSION = '/api/v1/auth/session'
const OLD = 'the secret of last year is long enough'
const NEW = 'the secret of this year is long enough'
const TTL_S = 60

const cookieOf = (answer: Response) => answer.headers.getSetCookie()[0] ?? ''
const account = (name: string) => ({ email: `${name}@example.org`, password: `password of ${name}`, name })

t.test('on Redis', async (t) => {
  const { redis, env } = await startStack(t)
  const inRedis = lookInto(t, redis)
  const before = await startService(t, { ...env, SESSION_SECRET: OLD, SESSION_TTL: String(TTL_S) })
  const { url } = before

  await t.test('the cookie is Secure where the client speaks TLS, and in production always', async (t) => {
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
    t.notMatch(claimed, /Secure/, 'a stranger is not believed')
    t.match(produced, /Secure/)
    for (const cookie of [plain, secure, claimed, produced]) t.match(cookie, /(?=.*; HttpOnly)(?=.*; SameSite=Lax)/)
    await inRedis.flushall()
  })

  const sessionKey = async () => (await inRedis.keys('*:session:*')).at(0) ?? 'none'

  await t.test('a session is prolonged by use, once half of its time is over, and not by every request', async (t) => {
    const ann = await register(url, 'ann')
    const key = await sessionKey()
    const stored = (await inRedis.get(key)) ?? ''
    await inRedis.pexpire(key, 40_000)
    for (let i = 0; i < 3; i++) t.same((await ann.get(SESSION)).headers.getSetCookie(), [])
    t.ok((await inRedis.pttl(key)) <= 40_000, 'not written')
    t.equal(await inRedis.get(key), stored)

    // As it is 31 seconds later.
    const session: Record<string, unknown> = JSON.parse(stored)
    const aged = { ...session, renewedAt: Number(session.renewedAt) - 31_000 }
    await inRedis.set(key, JSON.stringify(aged), 'PX', 29_000)
    const answer = await ann.get(SESSION)
    t.equal(answer.status, 200)
    t.match(cookieOf(answer), new RegExp(`^${ann.cookie.replace(/[.+/]/g, '\\$&')};`), 'the same session, for longer')
    t.ok((await inRedis.pttl(key)) > 55_000, `${await inRedis.pttl(key)} ms left`)
    t.same((await ann.get(SESSION)).headers.getSetCookie(), [])

    await inRedis.set(key, JSON.stringify(aged), 'PX', 29_000)
    const course = await ann.get('/api/v1/courses/1')
    t.equal(course.status, 200)
    if (course.headers.getSetCookie().length > 0) {
      t.notMatch(course.headers.get('cache-control'), /public/, 'no shared cache keeps somebody’s cookie')
    }
    await inRedis.pexpire(key, 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    t.equal(await statusOf(ann.get(SESSION)), 401, 'expired')
    await inRedis.flushall()
  })

  await t.test('forged, unsigned and cut cookies are nobody, and leave nothing behind', async (t) => {
    const ann = new Actor(url, (await register(url, 'forged')).cookie)
    const [id = '', signature = ''] = ann.cookie.slice('sid='.length).split('.')
    const keys = await inRedis.dbsize()
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
        t.notMatch(read.headers.get('cache-control'), /public/, 'nor is clearing a cookie for all')
    }
    t.equal((await inRedis.keys('*:session:*')).length, 1)
    t.ok((await inRedis.dbsize()) <= keys + 4)
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
      // A browser keeps what it is given, and drops what it is told to.
      if (cookie !== undefined) there.cookie = cookie.startsWith('sid=;') ? '' : (cookie.split(';')[0] ?? '')
    }
    const finished = await startService(t, { ...env, SESSION_SECRET: NEW })
    t.equal(await statusOf(new Actor(finished.url, there.cookie).get(SESSION)), 200, 'signed anew with the new secret')
    t.equal(await statusOf(new Actor(finished.url, ann.cookie).get(SESSION)), 401, 'the old secret signs nobody in')
  })
})
