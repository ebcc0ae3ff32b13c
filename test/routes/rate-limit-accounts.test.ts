import t, { type Test } from 'tap'
import { Actor, register, signIn } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { bodyOf, statusOf } from '../support/people.ts'
import { RedisServer } from '../support/redis.ts'
import { startService } from '../support/service.ts'

const AUTH = '/api/v1/auth'
const READ = '/api/v1/categories'
const USER_LIMIT = 15

const credentials = (name: string) => ({ email: `${name}@example.org`, password: `password of ${name}` })
const from = (address: string) => ({ 'x-forwarded-for': address })

/** Checks a 429 and its rate limit headers; `limit` is in attempts per minute. */
async function checkRefused(t: Test, answer: Response, limit = 10, windowS = 60): Promise<void> {
  const seconds = Number(answer.headers.get('retry-after'))
  t.ok(Number.isInteger(seconds) && seconds > 0 && seconds <= windowS, `Retry-After: ${seconds}`)
  t.match(Object.fromEntries(answer.headers), {
    'x-ratelimit-limit': `${limit}`,
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': `${seconds}`
  })
  t.same(answer.headers.getSetCookie(), [])
  t.match(await bodyOf(ErrorBody, answer, 429), { code: 'RATE_LIMITED' })
}

t.test('limits on accounts, counted in Redis', async (t) => {
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const limits = { RATE_LIMIT_ANONYMOUS: '1000', RATE_LIMIT_USER: `${USER_LIMIT}` }
  const { url } = await startService(t, { REDIS_URL: redis.url, TRUST_PROXY: '1', ...limits })
  const visitor = new Actor(url)

  /** A login from a new browser, or from a known one if `cookie` is given. */
  const login = (email: string, password: string, address: string, cookie = '') =>
    new Actor(url, cookie).request('POST', `${AUTH}/login`, { email, password }, from(address))
  const browserCookie = (answer: Response) =>
    answer.headers
      .getSetCookie()
      .find((cookie) => cookie.startsWith('browser='))
      ?.split(';')[0] ?? ''

  await t.test(
    'guesses from many networks are slowed and lock no owner out; known browsers are not slowed',
    async (t) => {
      const ann = await register(url, 'ann')
      const first = await login('ann@example.org', 'password of ann', '10.1.0.1')
      const known = browserCookie(first)
      t.match(first.headers.getSetCookie(), [
        /^sid=/,
        /^browser=[\w.-]+; Max-Age=31536000; Path=\/; HttpOnly; SameSite=Lax$/
      ])
      const guess = (n: number) => login('ann@example.org', 'wrong', `10.1.1.${n}`)
      // With the login above, 20 in this minute.
      for (let n = 0; n < 19; n++) t.equal(await statusOf(guess(n)), 401)

      const began = performance.now()
      const slowed = Array.from({ length: 7 }, async (_, n) => {
        const answer = await (n === 0 ? login('Ａnn@EXAMPLE.org', 'wrong', '10.1.2.99') : guess(100 + n))
        return { status: answer.status, retryAfter: answer.headers.get('retry-after'), ms: performance.now() - began }
      })
      const refused = await Promise.any(
        slowed.map(async (one) => ((await one).status === 429 ? one : Promise.reject(one)))
      )
      t.match(refused, { status: 429, retryAfter: '3' })
      const withKnown = await login('ann@example.org', 'password of ann', '10.1.3.1', known)
      t.equal(withKnown.status, 200, 'a browser that has signed in before')
      t.same(browserCookie(withKnown), '', 'keeps its cookie')
      t.equal(await statusOf(ann.get(`${AUTH}/session`)), 200)
      const change = { current: 'password of ann', next: 'another password' }
      t.equal(await statusOf(ann.request('POST', `${AUTH}/password`, change, from('10.1.3.2'))), 204, 'a live session')
      t.ok(performance.now() - began < 2900, 'none of these requests was slowed')

      const answers = await Promise.all(slowed)
      t.same(answers.map(({ status }) => status).sort(), [401, 401, 401, 401, 429, 429, 429])
      for (const { status, ms } of answers) t.equal(ms >= 2900, status === 401, `${status} after ${ms} ms`)
      const late = await login('ann@example.org', 'another password', '10.1.3.3')
      t.equal(late.status, 200, 'a new browser is slowed too, but signs in')
    }
  )

  await t.test('the known browsers of an account share a counter', async (t) => {
    await register(url, 'fay')
    const cookies = []
    for (let n = 0; n < 3; n++)
      cookies.push(browserCookie(await login('fay@example.org', 'password of fay', '10.6.0.1')))
    t.match(cookies[0], /^browser=[\w-]{43}\.[\w-]{43}$/)
    const statuses = []
    for (let n = 0; n < 12; n++)
      statuses.push(await statusOf(login('fay@example.org', 'wrong', `10.6.1.${n}`, cookies[n % 3])))
    t.same(statuses, [...Array(10).fill(401), 429, 429])
    t.equal(
      await statusOf(login('fay@example.org', 'password of fay', '10.6.0.1')),
      200,
      'the network has its own counter'
    )
  })

  await t.test('known browsers and sessions of one network share sixty attempts a minute', async (t) => {
    const names = ['gil', 'hal', 'ida', 'jan', 'kim', 'lou']
    const wrong = async (name: string, cookie: string) =>
      statusOf(login(`${name}@example.org`, 'wrong', '10.7.0.1', cookie))
    // One account after the other: a slow machine answers 503 to too many passwords at once.
    for (const [n, name] of names.entries()) {
      const account = { ...credentials(name), name }
      const cookie = browserCookie(await visitor.request('POST', `${AUTH}/register`, account, from(`10.7.1.${n}`)))
      t.same(await Promise.all(Array.from({ length: 10 }, () => wrong(name, cookie))), Array(10).fill(401), name)
    }
    const mia = await visitor.request(
      'POST',
      `${AUTH}/register`,
      { ...credentials('mia'), name: 'mia' },
      from('10.7.1.9')
    )
    await checkRefused(t, await login('mia@example.org', 'password of mia', '10.7.0.1', browserCookie(mia)), 60)
    const change = { current: 'wrong', next: 'another password' }
    const session = new Actor(url, mia.headers.getSetCookie()[0]?.split(';')[0])
    await checkRefused(t, await session.request('POST', `${AUTH}/password`, change, from('10.7.0.1')), 60)
    t.equal(await statusOf(session.request('POST', `${AUTH}/password`, change, from('10.7.0.2'))), 403, 'elsewhere')
    t.equal(await statusOf(login('mia@example.org', 'wrong', '10.7.0.1')), 401, 'a visitor of the same network')
  })

  await t.test('a browser cookie from before all sessions were ended counts for its network', async (t) => {
    const endings: ((by: Actor) => Promise<Response>)[] = [
      (by) => by.request('POST', `${AUTH}/logout-everywhere`),
      (by) => by.request('POST', `${AUTH}/password`, { current: 'password of ned', next: 'another password' })
    ]
    await register(url, 'ned')
    for (const [n, end] of endings.entries()) {
      const address = `10.8.${n}.1`
      const first = await login('ned@example.org', 'password of ned', `10.8.${n}.2`)
      const ended = await end(new Actor(url, first.headers.getSetCookie()[0]?.split(';')[0]))
      t.equal(ended.status, 204)
      const old = browserCookie(first)
      for (let i = 0; i < 5; i++) t.equal(await statusOf(login('ned@example.org', 'wrong', address, old)), 401)
      for (let i = 0; i < 5; i++) t.equal(await statusOf(login('x@example.org', 'wrong', address)), 401)
      await checkRefused(t, await login('ned@example.org', 'another password', address, old))
      if (n === 0) continue
      const now = browserCookie(ended)
      t.not(now, old, 'the browser that changed the password is known')
      t.equal(await statusOf(login('ned@example.org', 'another password', address, now)), 200)
    }
  })

  await t.test('a known browser has ten attempts a minute, at its own account only', async (t) => {
    const answer = await visitor.request(
      'POST',
      `${AUTH}/register`,
      { ...credentials('bob'), name: 'bob' },
      from('10.2.0.1')
    )
    const known = browserCookie(answer)
    const statuses = []
    for (let n = 0; n < 12; n++) statuses.push(await statusOf(login('bob@example.org', 'wrong', `10.2.1.${n}`, known)))
    t.same(statuses, [...Array(10).fill(401), 429, 429])

    const other = await visitor.request(
      'POST',
      `${AUTH}/register`,
      { ...credentials('eve'), name: 'eve' },
      from('10.2.0.2')
    )
    const eves = browserCookie(other)
    const elsewhere = []
    for (let n = 0; n < 9; n++) elsewhere.push(await statusOf(login('bob@example.org', 'wrong', '10.2.2.1', eves)))
    t.same(elsewhere, Array(9).fill(401), 'attempts at another account count for the network')
    t.equal(await statusOf(login('x@example.org', 'wrong', '10.2.2.1')), 401)
    await checkRefused(t, await login('x@example.org', 'wrong', '10.2.2.1'))
    await checkRefused(t, await login('bob@example.org', 'wrong', '10.2.2.1', eves))
    const [id, ours] = eves.slice('browser='.length).split('.')
    const [bobs] = known.slice('browser='.length).split('.')
    for (const forged of [
      `browser=${bobs}.${ours}`,
      `browser=${id}.`,
      `browser=x.${ours}`,
      'browser=',
      `browser=${'.'.repeat(300)}`
    ])
      await checkRefused(t, await login('bob@example.org', 'password of bob', '10.2.2.1', forged))
  })

  await t.test('guesses at the current password count for the user, from any address and session', async (t) => {
    const one = await register(url, 'carl')
    const other = await signIn(url, 'carl@example.org', 'password of carl')
    const change = (by: Actor, n: number, current: string) =>
      by.request('POST', `${AUTH}/password`, { current, next: 'another password' }, from(`10.4.0.${n}`))
    for (let n = 0; n < 10; n++) t.equal(await statusOf(change(one, n, 'wrong')), 403)
    await checkRefused(t, await change(one, 10, 'password of carl'))
    await checkRefused(t, await change(other, 11, 'password of carl'))
    t.equal(
      await statusOf(login('carl@example.org', 'password of carl', '10.4.1.1')),
      200,
      'signing in has its own counter'
    )
  })

  await t.test('two processes share the counters', async (t) => {
    const { url: other } = await startService(t, { REDIS_URL: redis.url, TRUST_PROXY: '1', ...limits })
    const at = (url: string, address: string) =>
      new Actor(url).request('POST', `${AUTH}/login`, { email: 'both@example.org', password: 'wrong' }, from(address))
    for (let n = 0; n < 10; n++) t.equal(await statusOf(at(n % 2 === 0 ? url : other, '10.5.0.1')), 401)
    await checkRefused(t, await at(url, '10.5.0.1'))
    await checkRefused(t, await at(other, '10.5.0.1'))
    for (let n = 0; n < 10; n++) t.equal(await statusOf(at(n % 2 === 0 ? url : other, `10.5.1.${n}`)), 401)
    const began = performance.now()
    t.same(await Promise.all([statusOf(at(url, '10.5.2.1')), statusOf(at(other, '10.5.2.2'))]), [401, 401])
    t.ok(performance.now() - began > 2900, 'both logins are slowed')
  })

  await t.test('guesses without a session are 401, and count for the address only', async (t) => {
    const guess = { current: 'wrong', next: 'another password' }
    const attempt = () => visitor.request('POST', `${AUTH}/password`, guess, from('10.3.0.1'))
    for (let n = 0; n < 10; n++) t.equal(await statusOf(attempt()), 401)
    await checkRefused(t, await attempt())
    t.equal(await statusOf(visitor.request('POST', `${AUTH}/password`, guess, from('10.3.0.2'))), 401)
  })

  await t.test('a user past his limit may still sign out, which ends the session', async (t) => {
    const dora = await register(url, 'dora')
    for (let n = 0; n < USER_LIMIT; n++) t.equal(await statusOf(dora.get(READ)), 200)
    await checkRefused(t, await dora.get(READ), USER_LIMIT, 3600)
    await checkRefused(t, await dora.get(`${AUTH}/session`), USER_LIMIT, 3600)
    const key = dora.cookie
    const left = await dora.request('POST', `${AUTH}/logout`)
    t.equal(left.status, 204)
    t.match(left.headers.getSetCookie(), [/^sid=;/])
    t.equal(await statusOf(new Actor(url, key).get(`${AUTH}/session`)), 401)
  })
})

t.test('an address past its limit may sign out, even when the process counts for itself', async (t) => {
  const { url } = await startService(t, { RATE_LIMIT_ANONYMOUS: '2' })
  const visitor = new Actor(url)
  const statuses = []
  for (let n = 0; n < 3; n++) statuses.push(await statusOf(visitor.get(READ)))
  t.same(statuses, [200, 200, 429])
  t.equal(await statusOf(visitor.request('POST', `${AUTH}/logout`)), 204)
  await checkRefused(t, await visitor.get(READ), 2, 3600)
})
