import t from 'tap'
import { Actor, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { timed } from '../support/eventually.ts'
import { bodyOf, eventually, lookInto, OwnUser, SessionUser, statusOf } from '../support/people.ts'
import { RedisServer } from '../support/redis.ts'
import { startService } from '../support/service.ts'

const AUTH = '/api/v1/auth'
/** The longest answer while Redis does not respond: a command times out after 250 ms. */
const PROMPT_MS = 3000

t.test('a Redis for sessions that accepts connections and stores nothing', async (t) => {
  const redis = await RedisServer.start('--appendonly', 'yes')
  t.teardown(() => redis.stop())
  const inRedis = lookInto(t, redis)
  // Limits and cache are in this process, so that only sessions can fail.
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

    await t.test(`${trouble}: a failed request creates no account, session or password`, async (t) => {
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
        t.same(answer.headers.getSetCookie(), [], 'no cookie is cleared')
        t.ok(ms < PROMPT_MS, `${path}: ${ms} ms`)
      }
      t.same(await rows(), before, 'no new account, and no changed password or epoch')
      t.equal(await statusOf(ann.get(`${AUTH}/session`)), reads ? 200 : 503)
      t.equal(await statusOf(ann.get('/api/v1/courses/1')), 200, 'public routes still answer')
      t.equal(await statusOf(visitor.get(`${AUTH}/session`)), 401)

      await end()
      t.ok(
        await eventually(async () => (await statusOf(ann.get(`${AUTH}/session`))) === 200),
        'the session still exists'
      )
      const registered = await visitor.request('POST', `${AUTH}/register`, account)
      const [cookie] = registered.headers.getSetCookie()
      t.match(
        await bodyOf(OwnUser, registered, 201),
        { email: account.email },
        'the same registration succeeds afterwards'
      )
      const user = await bodyOf(SessionUser, await new Actor(url, cookie?.split(';')[0]).get(`${AUTH}/session`))
      t.match(user, { user: { email: account.email } })
      t.equal(await statusOf((await signIn(url, login.email, password)).get(`${AUTH}/session`)), 200)
      t.equal(
        await statusOf(ann.request('POST', `${AUTH}/password`, passwords)),
        204,
        'the old password is still valid'
      )
    })
  }

  await t.test('full: signed-in users can keep working, and may sign out', async (t) => {
    const ann = await register(url, 'works-on')
    await inRedis.config('SET', 'maxmemory', '1')
    t.equal(await statusOf(ann.request('PATCH', '/api/v1/users/me', { bio: 'works on' })), 200)
    t.equal(await statusOf(new Actor(url, ann.cookie).request('POST', `${AUTH}/logout`)), 204)
    t.equal(await statusOf(ann.get(`${AUTH}/session`)), 401)
    await inRedis.config('SET', 'maxmemory', '0')
  })
})
