import t from 'tap'
import { Actor, register, signIn } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { bodyOf, eventually, lookInto, OwnUser, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'
import { fieldsOf, signedAgain } from '../support/stored-sessions.ts'

const AUTH = '/api/v1/auth'
const account = (name: string) => ({ email: `${name}@example.org`, password: `password of ${name}`, name })

t.test('sessions, when Redis is corrupt or down', async (t) => {
  const { redis, env } = await startStack(t)
  const { url, app } = await startService(t, env)
  const inRedis = lookInto(t, redis)
  const visitor = new Actor(url)
  const ann = await register(url, 'ann')
  const keyOf = async () => (await inRedis.keys('*:session:*')).at(0) ?? 'none'

  await t.test('a corrupt value under a session key signs nobody in, and causes no error', async (t) => {
    const key = await keyOf()
    const good = (await inRedis.get(key)) ?? ''
    const corrupt = ['no JSON', 'null', '[]', '"text"', '{}', JSON.stringify({ ...fieldsOf(good), userId: 'ann' })]
    for (const text of corrupt) {
      await inRedis.set(key, text, 'PX', 60_000)
      t.equal(await statusOf(ann.get(`${AUTH}/session`)), 401, text)
      t.equal(await statusOf(ann.get('/api/v1/courses/1')), 200)
    }
    await inRedis.del(key)
    await inRedis.lpush(key, 'a list')
    t.equal(await statusOf(ann.get(`${AUTH}/session`)), 401, 'a key of another type')
    await inRedis.del(key)
    ann.cookie = (await signIn(url, 'ann@example.org', 'password of ann')).cookie
    t.equal(await statusOf(ann.get(`${AUTH}/session`)), 200)
  })

  await t.test('a request in progress does not restore a session that has ended meanwhile', async (t) => {
    const key = await keyOf()
    // Old enough that the next request renews it.
    const renewedAt = Date.now() - 0.9 * app.config.session.ttlMs
    const aged = { renewedAt, begunAt: renewedAt - 1 }
    await inRedis.set(key, signedAgain(app.config, key, (await inRedis.get(key)) ?? '', aged) ?? '', 'PX', 60_000)
    const twin = new Actor(url, ann.cookie)
    const gate = Promise.withResolvers<void>()
    const { database } = app
    const slow = database.write(async (tx) => {
      await tx.$executeRaw`select id from app_user where email = 'ann@example.org' for update`
      await gate.promise
    })
    const patched = ann.request('PATCH', '/api/v1/users/me', { bio: 'waits' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    t.equal(await statusOf(twin.request('POST', `${AUTH}/logout`)), 204)
    gate.resolve()
    await slow
    t.equal(await statusOf(patched), 200)
    t.equal(await statusOf(ann.get(`${AUTH}/session`)), 401)
    t.same(await inRedis.keys('*:session:*'), [])
  })

  await t.test('while Redis is down a failed request creates no account, session or password', async (t) => {
    const bob = await register(url, 'bob')
    await redis.kill()
    for (const [path, body] of [
      ['register', account('carol')],
      ['login', { email: 'bob@example.org', password: 'password of bob' }]
    ] as const) {
      const answer = await visitor.request('POST', `${AUTH}/${path}`, body)
      t.ok(Number(answer.headers.get('retry-after')) > 0, path)
      t.match(await bodyOf(ErrorBody, answer, 503), { code: 'SESSIONS_DOWN' })
    }
    const passwords = { current: 'password of bob', next: 'another password' }
    t.equal(await statusOf(bob.request('POST', `${AUTH}/password`, passwords)), 503)

    await redis.resume()
    const registered = async () => (await visitor.request('POST', `${AUTH}/register`, account('dora'))).status === 201
    t.ok(await eventually(registered))
    const carol = await visitor.request('POST', `${AUTH}/register`, account('carol'))
    t.match(await bodyOf(OwnUser, carol, 201), { name: 'carol' }, 'the account was not created before')
    t.ok(await signIn(url, 'bob@example.org', 'password of bob'), 'the old password is still valid')
  })

  await t.test('signing in sets one cookie, even over another session', async (t) => {
    const eve = account('eve')
    const first = await visitor.request('POST', `${AUTH}/register`, eve)
    const ofSession = (answer: Response) => answer.headers.getSetCookie().filter((cookie) => cookie.startsWith('sid'))
    const cookie = ofSession(first)
    t.equal(cookie.length, 1)
    const old = new Actor(url, cookie[0]?.split(';')[0])
    const second = await old.request('POST', `${AUTH}/login`, { email: eve.email, password: eve.password })
    t.equal(ofSession(second).length, 1)
    t.match(ofSession(second)[0], /^sid=[\w%.-]{20,}/)
  })
})
