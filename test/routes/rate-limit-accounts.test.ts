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

/** 429 with all that a client needs to come back in time: of ten attempts a minute, unless another limit is given. */
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
  const { url } = await startService(t, { REDIS_URL: redis.url, TRUST_PROXY: 'true', ...limits })
  const visitor = new Actor(url)

  await t.test('a login that the limit of its account refuses says when to come back, and to what', async (t) => {
    const ann = await register(url, 'ann')
    const login = (n: number, password: string) =>
      visitor.request('POST', `${AUTH}/login`, { email: 'ann@example.org', password }, from(`10.1.0.${n}`))
    for (let n = 0; n < 9; n++) {
      const answer = await login(n, 'wrong')
      t.equal(answer.status, 401, 'the registration was the first of ten')
      t.equal(answer.headers.get('x-ratelimit-limit'), '10')
    }
    await checkRefused(t, await login(20, 'wrong'))
    await checkRefused(t, await login(21, 'password of ann'))
    await checkRefused(
      t,
      await visitor.request('POST', `${AUTH}/register`, { ...credentials('ann'), name: 'ann' }, from('10.1.0.22'))
    )
    t.equal(await statusOf(ann.get(`${AUTH}/session`)), 200, 'whoever is signed in stays so')
  })

  await t.test(
    'guesses at the current password count for the account, from whatever address and session',
    async (t) => {
      const one = await register(url, 'bob')
      const other = await signIn(url, 'bob@example.org', 'password of bob')
      const change = (n: number, current: string) =>
        (n % 2 === 0 ? one : other).request(
          'POST',
          `${AUTH}/password`,
          { current, next: 'another password' },
          from(`10.2.0.${n}`)
        )
      for (let n = 0; n < 8; n++) t.equal(await statusOf(change(n, 'wrong')), 403)
      await checkRefused(t, await change(8, 'wrong'))
      await checkRefused(t, await change(9, 'password of bob'))
      await checkRefused(t, await visitor.request('POST', `${AUTH}/login`, credentials('bob')))
      t.equal(await statusOf(other.get(`${AUTH}/session`)), 200, 'the right one, too late, changed nothing')
      const carl = await register(url, 'carl')
      const guess = { current: 'wrong', next: 'another password' }
      t.equal(await statusOf(carl.request('POST', `${AUTH}/password`, guess, from('10.2.0.0'))), 403, 'another account')
    }
  )

  await t.test('nobody’s guesses are 401, and count for his address alone', async (t) => {
    const guess = { current: 'wrong', next: 'another password' }
    const attempt = () => visitor.request('POST', `${AUTH}/password`, guess, from('10.3.0.1'))
    for (let n = 0; n < 10; n++) t.equal(await statusOf(attempt()), 401)
    await checkRefused(t, await attempt())
    t.equal(await statusOf(visitor.request('POST', `${AUTH}/password`, guess, from('10.3.0.2'))), 401)
  })

  await t.test('who has used up his requests may still leave, and is gone', async (t) => {
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

t.test('an address that has used up its requests may leave, in this process’s own count, too', async (t) => {
  const { url } = await startService(t, { RATE_LIMIT_ANONYMOUS: '2' })
  const visitor = new Actor(url)
  const statuses = []
  for (let n = 0; n < 3; n++) statuses.push(await statusOf(visitor.get(READ)))
  t.same(statuses, [200, 200, 429])
  t.equal(await statusOf(visitor.request('POST', `${AUTH}/logout`)), 204)
  await checkRefused(t, await visitor.get(READ), 2, 3600)
})
