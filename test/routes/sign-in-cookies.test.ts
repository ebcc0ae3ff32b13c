import t from 'tap'
import { Actor, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { bodyOf, lookInto, OwnUser, SessionUser, statusOf } from '../support/people.ts'
import { RedisServer } from '../support/redis.ts'
import { startService } from '../support/service.ts'
import { fieldsOf, signedAgain } from '../support/stored-sessions.ts'

const AUTH = '/api/v1/auth'

t.test('signing in works and sets one cookie, whatever cookie the browser sends', async (t) => {
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const { app, url } = await startService(t, { ...peopleEnvironment, REDIS_URL: redis.url })
  const inRedis = lookInto(t, redis)
  const ann = await register(url, 'ann')
  const keys = () => inRedis.keys('*:session:*')
  const old = await signIn(url, 'ann@example.org', 'password of ann')
  const key = (await keys()).find((key) => old.cookie.includes(key.split(':').at(-1) ?? 'none')) ?? 'none'
  const good = (await inRedis.get(key)) ?? ''
  const session = fieldsOf(good)

  /** The cookie of a session whose key in Redis has this value; null stores nothing. */
  async function stored(value: unknown): Promise<string> {
    if (value === null) await inRedis.del(key)
    else await inRedis.set(key, typeof value === 'string' ? value : JSON.stringify(value), 'PX', 60_000)
    return old.cookie
  }

  const missing = (field: string) => stored({ ...session, [field]: undefined })
  /** A session as the service writes it, except for fields or values that it never writes. */
  const wrong = (change: object) => stored(signedAgain(app.config, key, good, change) ?? { ...session, ...change })
  const notSignedIn: Record<string, () => Promise<string>> = {
    'no cookie': async () => '',
    'an empty one': async () => 'sid=',
    'a forged one': async () => `${ann.cookie.slice(0, -4)}AAAA`,
    'two, both forged': async () => 'sid=one.two; sid=three.four',
    'one that has run out': () => stored(null),
    'one of which half is stored': () => stored(JSON.stringify(session).slice(0, 40)),
    'one that is stored as text': () => stored('PHP|serialized;'),
    'one that is stored as bytes': () => stored('\u0000\u00ff\ufffd'),
    'one that is stored as a number': () => stored('5'),
    'one that is stored as a list': () => stored([session]),
    'one without a user': () => missing('userId'),
    'one without an epoch': () => missing('epoch'),
    'one without a time': () => missing('renewedAt'),
    'one of half a user': () => wrong({ userId: 1.5 }),
    'one of a user who never was': () => wrong({ userId: 2_000_000_000 }),
    'one of a user too large for the database': () => wrong({ userId: 9_000_000_000 }),
    'one of another user': () => wrong({ userId: 1 }),
    'one of an epoch that is text': () => wrong({ epoch: '1' }),
    'one of another epoch': () => wrong({ epoch: 3 }),
    'one that is not signed': () => stored(session),
    'one that was made an admin’s, under the signature of its own': () =>
      stored(`${good.slice(0, good.indexOf(' '))} ${JSON.stringify({ ...session, userId: 1 })}`),
    'one that was copied from another key': async () => {
      const other = (await keys()).find((other) => other !== key) ?? 'none'
      return stored(await inRedis.get(other))
    },
    'one of a megabyte': () => stored(good.padEnd(1_000_000)),
    'one that has not been used for too long': () => wrong({ renewedAt: Date.now() - app.config.session.ttlMs - 1 }),
    'one that was used until today, and has begun too long ago': () =>
      wrong({ begunAt: Date.now() - app.config.session.maxAgeMs - 1, renewedAt: Date.now() })
  }

  let names = 0
  for (const [what, cookie] of Object.entries(notSignedIn)) {
    await t.test(`with ${what}`, async (t) => {
      const browser = new Actor(url, await cookie())
      t.equal(await statusOf(browser.get(`${AUTH}/session`)), 401)
      const course = await new Actor(url, await cookie()).get('/api/v1/courses/1')
      t.equal(course.status, 200, 'public routes answer')
      const name = `new${++names}`
      const account = { email: `${name}@example.org`, password: `password of ${name}` }
      for (const [path, body, status] of [
        ['register', { ...account, name }, 201],
        ['login', account, 200]
      ] as const) {
        const before = await cookie()
        const count = (await keys()).length
        const answer = await new Actor(url, before).request('POST', `${AUTH}/${path}`, body)
        const cookies = answer.headers.getSetCookie().filter((cookie) => cookie.startsWith('sid'))
        t.match(await bodyOf(OwnUser, answer, status), { email: account.email })
        t.match(cookies, [/^sid=[\w.+/-]{40,};.*Path=\/;.*HttpOnly/])
        t.equal(cookies.length, 1, path)
        const now = new Actor(url, cookies[0]?.split(';')[0])
        t.not(now.cookie, before)
        t.match(await bodyOf(SessionUser, await now.get(`${AUTH}/session`)), { user: { name } })
        t.ok((await keys()).length <= count + 1, 'no session is left behind')
      }
    })
  }

  await t.test('signing in over a session of another account ends that session', async (t) => {
    const account = { email: 'two@example.org', password: 'password of two', name: 'two' }
    for (const [path, body] of [
      ['register', account],
      ['login', { email: account.email, password: account.password }]
    ] as const) {
      const browser = await signIn(url, 'ann@example.org', 'password of ann')
      const count = (await keys()).length
      const answer = await browser.request('POST', `${AUTH}/${path}`, body)
      const [cookie = '', ...more] = answer.headers.getSetCookie().filter((cookie) => cookie.startsWith('sid'))
      t.same(more, [], path)
      t.equal(await statusOf(browser.get(`${AUTH}/session`)), 401)
      const user = await bodyOf(SessionUser, await new Actor(url, cookie.split(';')[0]).get(`${AUTH}/session`))
      t.match(user, { user: { name: 'two' } })
      t.equal((await keys()).length, count)
    }
  })

  await t.test('cookie attributes and methods in a stored session are ignored', async (t) => {
    const odd = [{ originalMaxAge: 'x' }, { sameSite: 'weird' }, { path: 'a;b' }, { domain: 'evil.example' }]
    for (const change of [...odd.map((cookie) => ({ cookie })), { isModified: 1, regenerate: 1, save: 1 }]) {
      const value = { ...session, ...change }
      const answer = await new Actor(url, await stored(value)).get(`${AUTH}/session`)
      t.ok([200, 401].includes(answer.status), JSON.stringify(change))
      t.notMatch(answer.headers.getSetCookie().join(), /evil|a;b|weird/)
      const login = { email: 'ann@example.org', password: 'password of ann' }
      t.equal(await statusOf(new Actor(url, await stored(value)).request('POST', `${AUTH}/login`, login)), 200)
    }
  })

  await t.test('a new password sets a cookie too; an answer that changes no session sets none', async (t) => {
    const change = { current: 'password of ann', next: 'another password' }
    const refused = await ann.request('POST', `${AUTH}/password`, { ...change, current: 'wrong' })
    t.same([refused.status, refused.headers.getSetCookie()], [403, []])
    const answer = await ann.request('POST', `${AUTH}/password`, change)
    const [cookie = '', ...more] = answer.headers.getSetCookie().filter((cookie) => cookie.startsWith('sid'))
    t.same([answer.status, more], [204, []])
    const now = new Actor(url, cookie.split(';')[0])
    t.same((await now.get(`${AUTH}/session`)).headers.getSetCookie(), [])
    t.equal(await statusOf(ann.get(`${AUTH}/session`)), 401)
  })
})
