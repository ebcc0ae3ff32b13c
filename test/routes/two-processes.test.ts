import t from 'tap'
import { Actor, ADMIN, register, signIn } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { bodyOf, eventually, OwnUser, spawnFor, startStack, statusOf } from '../support/people.ts'

const SESSION = '/api/v1/auth/session'

t.test('an account on two processes that share PostgreSQL and Redis', async (t) => {
  const { redis, env } = await startStack(t, '--appendonly', 'yes', '--appendfsync', 'always')
  const one = await spawnFor(t, env)
  const other = await spawnFor(t, env)
  const ann = await register(one.url, 'ann')
  const there = new Actor(other.url, ann.cookie)

  await t.test('is signed in on both, and what one changes the other shows', async (t) => {
    const me = await bodyOf(OwnUser, await ann.get('/api/v1/users/me'))
    t.same(await bodyOf(OwnUser, await there.get('/api/v1/users/me')), me)
    for (let i = 0; i < 10; i++) {
      const [writer, reader] = i % 2 === 0 ? [ann, there] : [there, ann]
      t.equal(await statusOf(writer.request('PATCH', '/api/v1/users/me', { bio: `bio ${i}` })), 200)
      t.equal((await bodyOf(OwnUser, await reader.get('/api/v1/users/me'))).bio, `bio ${i}`)
    }
  })

  await t.test('is signed out on both', async (t) => {
    const again = await signIn(other.url, 'ann@example.org', 'password of ann')
    t.equal(await statusOf(new Actor(one.url, again.cookie).request('POST', '/api/v1/auth/logout')), 204)
    t.equal(await statusOf(again.get(SESSION)), 401)
    const every = await Promise.all([one.url, other.url].map((url) => signIn(url, ADMIN.email, ADMIN.password)))
    t.equal(
      await statusOf(new Actor(other.url, every[0]?.cookie).request('POST', '/api/v1/auth/logout-everywhere')),
      204
    )
    for (const { cookie } of every) {
      t.equal(await statusOf(new Actor(one.url, cookie).get(SESSION)), 401)
      t.equal(await statusOf(new Actor(other.url, cookie).get(SESSION)), 401)
    }
  })

  await t.test('data of one user is never answered to another', async (t) => {
    const bob = await register(other.url, 'bob')
    for (const path of ['/api/v1/users/me', SESSION, '/api/v1/users/me/courses', '/api/v1/users/me/progress']) {
      const own = await ann.get(path)
      t.match(own.headers.get('cache-control'), /private|no-store/, path)
      const validator = { 'if-none-match': own.headers.get('etag') ?? '*' }
      for (const by of [bob, new Actor(one.url, bob.cookie)])
        t.notMatch(await (await by.get(path, validator)).text(), 'ann@')
      t.equal(await statusOf(new Actor(one.url).get(path, validator)), 401)
    }
  })

  await t.test('is still signed in after Redis was killed and is back', async (t) => {
    await redis.kill()
    await redis.resume()
    for (const actor of [ann, there]) {
      t.ok(await eventually(async () => (await statusOf(actor.get(SESSION))) === 200))
    }
  })

  await t.test('while Redis is down, requests with a session are 503, and public reads still work', async (t) => {
    await redis.kill()
    const visitor = new Actor(one.url)
    for (const path of [SESSION, '/api/v1/users/me', '/api/v1/users/me/courses', '/api/v1/users/me/progress']) {
      const answer = await ann.get(path)
      t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/, path)
      t.match(await bodyOf(ErrorBody, answer, 503), { code: /^[A-Z_]+$/ })
      t.equal(await statusOf(visitor.get(path)), 401, 'a request without a cookie is still a visitor')
    }
    const login = await visitor.request('POST', '/api/v1/auth/login', {
      email: 'ann@example.org',
      password: 'password of ann'
    })
    t.equal(login.status, 503)
    t.ok(login.headers.get('retry-after'))
    t.same(login.headers.getSetCookie(), [])
    t.equal(await statusOf(ann.request('PATCH', '/api/v1/users/me', { bio: 'x' })), 503)

    const paths = ['/api/v1/categories', '/api/v1/categories/data', '/api/v1/courses', '/api/v1/courses?search=a']
    for (const path of [
      ...paths,
      '/api/v1/courses/1',
      '/api/v1/courses/1/modules',
      '/api/v1/courses/1/chapters/1',
      '/api/v1/users/1'
    ]) {
      const answer = await ann.get(path)
      t.equal(answer.status, 200, path)
      t.same(answer.headers.getSetCookie(), [], 'no cookie is cleared')
      await answer.arrayBuffer()
      t.equal(await statusOf(visitor.get(path)), 200, path)
    }
    for (const path of ['/health/live', '/openapi.json'])
      t.equal(await statusOf(ann.get(path)), 200, `${path} with a session cookie`)
  })

  await t.test('works again without a restart once Redis is back', async (t) => {
    await redis.resume()
    for (const actor of [ann, there]) {
      t.ok(await eventually(async () => (await statusOf(actor.get(SESSION))) === 200))
    }
    t.equal(await statusOf(ann.request('PATCH', '/api/v1/users/me', { bio: 'after' })), 200)
    t.equal((await bodyOf(OwnUser, await there.get('/api/v1/users/me'))).bio, 'after')
    t.equal(
      await statusOf(new Actor(one.url, (await signIn(other.url, ADMIN.email, ADMIN.password)).cookie).get(SESSION)),
      200
    )
  })
})
