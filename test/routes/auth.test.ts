import t from 'tap'
import { Actor, ADMIN, register, signIn } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import {
  bodyOf,
  eventually,
  lookInto,
  OwnUser,
  SessionUser,
  spawnFor,
  startStack,
  statusOf
} from '../support/people.ts'
import { startService } from '../support/service.ts'

const LOGIN = '/api/v1/auth/login'
const REGISTER = '/api/v1/auth/register'
const PASSWORD = '/api/v1/auth/password'
const SESSION = '/api/v1/auth/session'

t.test('accounts, on Redis and PostgreSQL', async (t) => {
  const { redis, env } = await startStack(t)
  const { app, url } = await startService(t, env)
  const inRedis = lookInto(t, redis)
  const visitor = new Actor(url)
  const sessionKeys = () => inRedis.keys('*:session:*')
  const account = (name: string) => ({ email: `${name}@example.org`, password: `password of ${name}`, name })

  await t.test('reads and failed logins set no cookie and leave nothing in Redis', async (t) => {
    const answers = [
      await visitor.get('/api/v1/courses'),
      await visitor.get(SESSION),
      await visitor.get('/nowhere'),
      await visitor.request('POST', LOGIN, { email: ADMIN.email, password: 'wrong' }),
      await visitor.request('POST', LOGIN, { email: 'none@example.org', password: 'wrong' }),
      await visitor.request('POST', REGISTER, { ...account('short'), password: 'short' }),
      await visitor.request('POST', '/api/v1/auth/logout')
    ]
    t.same(
      answers.map(({ status }) => status),
      [200, 401, 404, 401, 401, 400, 204]
    )
    for (const answer of answers.slice(0, -1)) t.same(answer.headers.getSetCookie(), [], answer.url)
    t.same(await sessionKeys(), [])
  })

  await t.test('register answers 201 with the signed-in user, without the password', async (t) => {
    const answer = await visitor.request('POST', REGISTER, { ...account('ann'), email: 'Ann@Example.org' })
    const [cookie = ''] = answer.headers.getSetCookie()
    const ann = await bodyOf(OwnUser, answer, 201)
    t.match(ann, { email: 'ann@example.org', name: 'ann', role: 'student', bio: '', avatarUrl: null })
    t.match(cookie, /^sid=[^;]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/)
    const { user } = await bodyOf(SessionUser, await new Actor(url, cookie.split(';')[0]).get(SESSION))
    t.same(user, ann)
    t.equal((await sessionKeys()).length, 1)
  })

  await t.test('an e-mail address ignores case and is unique', async (t) => {
    for (const email of ['ann@example.org', 'ANN@EXAMPLE.ORG']) {
      const answer = await visitor.request('POST', REGISTER, { ...account('other'), email })
      t.same(answer.headers.getSetCookie(), [])
      t.match(await bodyOf(ErrorBody, answer, 409), { message: /email/ })
    }
    t.equal((await signIn(url, 'aNN@example.org', 'password of ann')).cookie.startsWith('sid='), true)

    const answers = Array.from({ length: 8 }, () => statusOf(visitor.request('POST', REGISTER, account('crowd'))))
    t.same((await Promise.all(answers)).sort(), [201, ...Array(7).fill(409)])
  })

  await t.test('an invalid account is 400 and names the field', async (t) => {
    const wrong: [object, RegExp][] = [
      [{ ...account('x'), password: '123456789' }, /password/],
      [{ ...account('x'), email: 'x' }, /email/],
      [{ ...account('x'), email: 'a b@example.org' }, /email/],
      ...[...'<>()[],;:\\"＜＠'].flatMap((sign): [object, RegExp][] => [
        [{ ...account('x'), email: `${sign}ann@example.org` }, /email/],
        [{ ...account('x'), email: `ann@example.org${sign}` }, /email/]
      ]),
      ...['ann@example.org.', 'ann@example%2eorg', 'ann@example。x.org', 'ann@exam\u00adple.org', 'ann@x.org/y'].map(
        (email): [object, RegExp] => [{ ...account('x'), email }, /email/]
      ),
      [{ ...account('x'), name: ' ' }, /name/],
      [{ ...account('x'), role: 'admin' }, /role/],
      [{ ...account('x'), id: 1 }, /id/],
      [{ ...account('x'), sessionEpoch: 3 }, /sessionEpoch/],
      [{ email: 'x@example.org', name: 'x' }, /password/]
    ]
    for (const [body, message] of wrong) {
      t.match(await bodyOf(ErrorBody, await visitor.request('POST', REGISTER, body), 400), { message })
    }
  })

  await t.test('a mailbox has one account, whether its domain is Unicode or punycode', async (t) => {
    const typed = ['Zoya@Пример.РФ', 'zoya@xn--e1afmkfd.xn--p1ai', 'zoya@XN--E1AFMKFD.xn--p1ai', 'zoya@пример.рф']
    const registered = await visitor.request('POST', REGISTER, { ...account('zoya'), email: typed[0] })
    t.match(await bodyOf(OwnUser, registered, 201), { email: typed[1] })
    for (const email of typed) {
      t.equal(await statusOf(visitor.request('POST', REGISTER, { ...account('zoya'), email })), 409)
      t.ok(await signIn(url, email, 'password of zoya'))
    }
  })

  await t.test('addresses stored by earlier versions can still sign in, and count as taken', async (t) => {
    const kept = ['yana@почта.рф', '<yana@example.org']
    await visitor.request('POST', REGISTER, account('yana'))
    for (const email of kept) {
      await app.database.client.user.update({ where: { email: 'yana@example.org' }, data: { email } })
      t.ok(await signIn(url, email, 'password of yana'))
      await app.database.client.user.update({ where: { email }, data: { email: 'yana@example.org' } })
    }
    await app.database.client.user.update({ where: { email: 'yana@example.org' }, data: { email: 'yana@почта.рф' } })
    const ascii = 'yana@xn--80a1acny.xn--p1ai'
    t.ok(await signIn(url, ascii, 'password of yana'))
    t.equal(await statusOf(visitor.request('POST', REGISTER, { ...account('yana'), email: ascii })), 409)
  })

  await t.test('neither answer nor timing distinguishes a wrong password from an unknown account', async (t) => {
    const attempt = async (email: string) => {
      const start = performance.now()
      const answer = await visitor.request('POST', LOGIN, { email, password: 'a wrong password' })
      const { requestId: _, ...body } = await bodyOf(ErrorBody, answer, 401)
      return { body, ms: performance.now() - start }
    }
    const known: number[] = []
    const unknown: number[] = []
    for (let i = 0; i < 11; i++) {
      const one = await attempt('ann@example.org')
      const other = await attempt(`nobody${i}@example.org`)
      t.same(one.body, other.body)
      known.push(one.ms)
      unknown.push(other.ms)
    }
    const median = (times: number[]) => times.sort((a, b) => a - b)[5] ?? 0
    const ratio = median(known) / median(unknown)
    t.ok(ratio > 0.5 && ratio < 2, `medians ${median(known)} and ${median(unknown)} ms`)
  })

  await t.test('a login creates a new session id, so session fixation fails', async (t) => {
    for (const given of ['sid=chosen-by-somebody', 'sid=a.b', 'sid=']) {
      const answer = await new Actor(url, given).request('POST', LOGIN, account('ann')).then((response) => response)
      t.equal(answer.status, 400, 'an unknown field')
      const login = await new Actor(url, given).request('POST', LOGIN, {
        email: account('ann').email,
        password: account('ann').password
      })
      t.equal(login.status, 200)
      t.equal(await statusOf(new Actor(url, given).get(SESSION)), 401)
    }
    const before = await signIn(url, 'ann@example.org', 'password of ann')
    const again = await before.request('POST', LOGIN, { email: ADMIN.email, password: ADMIN.password })
    const cookie = again.headers.getSetCookie().find((line) => !line.startsWith('sid=;')) ?? ''
    t.not(cookie.split(';')[0], before.cookie)
    t.equal(await statusOf(before.get(SESSION)), 401, 'the previous session has ended')
  })

  await t.test('logout ends this session and clears the cookie, and works for a visitor too', async (t) => {
    const one = await signIn(url, 'ann@example.org', 'password of ann')
    const other = await signIn(url, 'ann@example.org', 'password of ann')
    const answer = await one.request('POST', '/api/v1/auth/logout')
    t.equal(answer.status, 204)
    t.match(answer.headers.getSetCookie()[0], /^sid=;.*(Max-Age=0|1970)/)
    t.equal(await statusOf(one.get(SESSION)), 401)
    t.equal(await statusOf(other.get(SESSION)), 200)
    t.equal(await statusOf(one.request('POST', '/api/v1/auth/logout')), 204, 'logout is idempotent')
  })

  await t.test('logout-everywhere ends all sessions; a browser with an ended cookie can sign in', async (t) => {
    const one = await signIn(url, 'ann@example.org', 'password of ann')
    const other = await signIn(url, 'ann@example.org', 'password of ann')
    t.equal(await statusOf(one.request('POST', '/api/v1/auth/logout-everywhere')), 204)
    const login = await other.request('POST', LOGIN, { email: 'ann@example.org', password: 'password of ann' })
    t.equal(login.status, 200, `login after a sign-out elsewhere: ${await login.text()}`)
    t.equal(await statusOf(other.get(SESSION)), 401)
    t.equal(await statusOf(visitor.request('POST', '/api/v1/auth/logout-everywhere')), 401)
  })

  await t.test('a new password ends the other sessions, not this one', async (t) => {
    const other = await register(url, 'bob')
    const mine = await signIn(url, 'bob@example.org', 'password of bob')
    const change = { current: 'password of bob', next: 'another password' }
    t.equal(await statusOf(mine.request('POST', PASSWORD, { ...change, next: 'short' })), 400)
    t.equal(await statusOf(mine.request('POST', PASSWORD, { ...change, current: 'not it' })), 403)
    t.equal(await statusOf(other.get(SESSION)), 200, 'nothing changed')

    const answer = await mine.request('POST', PASSWORD, change)
    t.equal(answer.status, 204)
    const cookie = answer.headers.getSetCookie().find((line) => !line.startsWith('sid=;')) ?? mine.cookie
    t.equal(await statusOf(new Actor(url, cookie.split(';')[0]).get(SESSION)), 200)
    t.equal(await statusOf(other.get(SESSION)), 401)
    t.equal(await statusOf(visitor.request('POST', LOGIN, { email: 'bob@example.org', password: change.current })), 401)
    t.equal(await statusOf(visitor.request('POST', LOGIN, { email: 'bob@example.org', password: change.next })), 200)
    const stale = await other.request('POST', LOGIN, { email: 'bob@example.org', password: change.next })
    t.equal(stale.status, 200, `login with a cookie that the change ended: ${await stale.text()}`)
  })

  await t.test('a role change and a deletion apply at once, on another process too', async (t) => {
    const second = await spawnFor(t, env)
    const boss = await signIn(url, ADMIN.email, ADMIN.password)
    const carl = await register(url, 'carl')
    const there = new Actor(second.url, carl.cookie)
    const { user } = await bodyOf(SessionUser, await there.get(SESSION))
    t.equal(await statusOf(there.get('/api/v1/users')), 403)
    t.equal(await statusOf(boss.request('PATCH', `/api/v1/users/${user.id}`, { role: 'admin' })), 200)
    t.equal(await statusOf(there.get('/api/v1/users')), 200, 'promoted')
    t.equal(await statusOf(boss.request('PATCH', `/api/v1/users/${user.id}`, { role: 'student' })), 200)
    t.equal(await statusOf(there.get('/api/v1/users')), 403, 'demoted')
    await app.database.client.user.delete({ where: { id: user.id } })
    t.equal(await statusOf(there.get(SESSION)), 401, 'deleted')
    t.ok(await eventually(async () => (await statusOf(there.get(`/api/v1/users/${user.id}`))) === 404))
  })
})
