import t from 'tap'
import { Actor, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { timed } from '../support/eventually.ts'
import { bodyOf, eventually, lookInto, OwnUser, SessionUser, statusOf } from '../support/people.ts'
import { RedisServer } from '../support/redis.ts'
import { startService } from '../support/service.ts'

const AUTH = '/api/v1/auth'
/** Nobody waits longer for a Redis that does not answer: a command has 250 ms. */
const PROMPT_MS = 3000

t.test('a Redis of sessions that answers, or seems to, and keeps nothing', async (t) => {
  const redis = await RedisServer.start('--appendonly', 'yes')
  t.teardown(() => redis.stop())
  const inRedis = lookInto(t, redis)
  // Limits and cache are in this process: what fails here fails for the sessions.
  const { app, url } = await startService(t, { ...peopleEnvironment, REDIS_SESSION_URL: redis.url })
  const visitor = new Actor(url)

  const troubles: Record<string, [begin: () => Promise<unknown>, end: () => Promise<unknown>, reads: boolean]> = {
    full: [() => inRedis.config('SET', 'maxmemory', '1'), () => inRedis.config('SET', 'maxmemory', '0'), true],
    'a replica': [() => inRedis.replicaof('127.0.0.1', '1'), () => inRedis.replicaof('NO', 'ONE'), true],
    frozen: [async () => redis.signal('SIGSTOP'), async () => redis.signal('SIGCONT'), false],
    gone: [() => redis.kill(), () => redis.resume(), false]
  }
  for (const [trouble, [begin, end, reads]] of Object.entries(troubles)) {
    const name = trouble.replace(' ', '-')
    const password = `password of ${name}`
    const account = { email: `new-${name}@example.org`, password, name: `new-${name}` }
    const login = { email: `${name}@example.org`, password }
    const passwords = { current: password, next: 'another password' }

    await t.test(`${trouble}: no account, no session and no password is made that nobody hears of`, async (t) => {
      const ann = await register(url, name)
      const rows = () => app.database.client.user.findMany({ orderBy: { id: 'asc' } })
      const before = await rows()
      await begin()
      for (const [by, path, body] of [
        [visitor, 'register', account],
        [visitor, 'login', login],
        [ann, 'login', login],
        [ann, 'password', passwords]
      ] as const) {
        const [answer, ms] = await timed(() => by.request('POST', `${AUTH}/${path}`, body))
        t.match(await bodyOf(ErrorBody, answer, 503), { code: 'SESSIONS_DOWN' }, path)
        t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/)
        t.same(answer.headers.getSetCookie(), [], 'nobody loses the cookie he has')
        t.ok(ms < PROMPT_MS, `${path}: ${ms} ms`)
      }
      t.same(await rows(), before, 'no account, and no other password or epoch')
      t.equal(await statusOf(ann.get(`${AUTH}/session`)), reads ? 200 : 503)
      t.equal(await statusOf(ann.get('/api/v1/courses/1')), 200, 'what is public is there')
      t.equal(await statusOf(visitor.get(`${AUTH}/session`)), 401)

      await end()
      t.ok(await eventually(async () => (await statusOf(ann.get(`${AUTH}/session`))) === 200), 'the session is there')
      const registered = await visitor.request('POST', `${AUTH}/register`, account)
      const [cookie] = registered.headers.getSetCookie()
      t.match(await bodyOf(OwnUser, registered, 201), { email: account.email }, 'the same again is heard')
      const user = await bodyOf(SessionUser, await new Actor(url, cookie?.split(';')[0]).get(`${AUTH}/session`))
      t.match(user, { user: { email: account.email } })
      t.equal(await statusOf((await signIn(url, login.email, password)).get(`${AUTH}/session`)), 200)
      t.equal(await statusOf(ann.request('POST', `${AUTH}/password`, passwords)), 204, 'the old password is right')
    })
  }

  await t.test('full: whoever is signed in works on, and may leave', async (t) => {
    const ann = await register(url, 'works-on')
    await inRedis.config('SET', 'maxmemory', '1')
    t.equal(await statusOf(ann.request('PATCH', '/api/v1/users/me', { bio: 'works on' })), 200)
    t.equal(await statusOf(new Actor(url, ann.cookie).request('POST', `${AUTH}/logout`)), 204)
    t.equal(await statusOf(ann.get(`${AUTH}/session`)), 401)
    await inRedis.config('SET', 'maxmemory', '0')
  })
})
