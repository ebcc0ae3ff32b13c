import t, { type Test } from 'tap'
import { Actor, ADMIN, signIn } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { PATH, wanted } from '../support/generations.ts'
import { bodyOf, statusOf } from '../support/people.ts'
import { RedisServer } from '../support/redis.ts'
import { startService } from '../support/service.ts'

const AUTH = '/api/v1/auth'
const from = (address: string) => ({ 'x-forwarded-for': address })
const limits = {
  TRUST_PROXY: 'loopback',
  RATE_LIMIT_ANONYMOUS: '1000',
  RATE_LIMIT_NETWORK: '12',
  RATE_LIMIT_REGISTRATION: '4',
  RATE_LIMIT_GENERATION_NETWORK: '3'
}

async function checkRefused(t: Test, answer: Response, limit: number): Promise<void> {
  t.match(answer.headers.get('retry-after'), /^(3[56]\d\d|3600)$/)
  t.equal(answer.headers.get('x-ratelimit-limit'), String(limit))
  t.match(await bodyOf(ErrorBody, answer, 429), { code: 'RATE_LIMITED', message: /network/ })
}

/** A user behind an address. */
async function registerFrom(url: string, address: string, name: string): Promise<{ actor: Actor; answer: Response }> {
  const body = { email: `${name}@example.org`, password: `password of ${name}`, name }
  const answer = await new Actor(url).request('POST', `${AUTH}/register`, body, from(address))
  return { answer, actor: new Actor(url, answer.headers.getSetCookie()[0]?.split(';')[0]) }
}

async function checkNetwork(t: Test, url: string): Promise<void> {
  const [here, neighbour, elsewhere] = ['2001:db8::1', '2001:db8::2', '2001:db8:1::1']
  const people = []
  for (const name of ['a', 'b', 'c', 'd']) people.push((await registerFrom(url, here, name)).actor)
  await checkRefused(t, (await registerFrom(url, neighbour, 'e')).answer, 4)
  const other = await registerFrom(url, elsewhere, 'f')
  t.equal(other.answer.status, 201, 'another network')

  // The provider does not write German: refused requests count too, so no course needs to be generated here.
  const generate = (actor: Actor | undefined, address: string) =>
    actor?.request('POST', PATH, { ...wanted, language: 'de' }, from(address)) ?? Promise.reject()
  for (const n of [0, 1, 2]) t.equal(await statusOf(generate(people[n], here)), 400)
  await checkRefused(t, await generate(people[3], neighbour), 3)
  t.equal(await statusOf(generate(other.actor, elsewhere)), 400, 'another network')

  const session = (actor: Actor | undefined, address: string) =>
    actor?.get(`${AUTH}/session`, from(address)) ?? Promise.reject()
  for (let n = 4; n < 12; n++) t.equal(await statusOf(session(people[n % 4], here)), 200)
  for (const actor of people) await checkRefused(t, await session(actor, here), 12)
  t.equal(await statusOf(session(people[0], elsewhere)), 200, 'the same account in another network')
  t.equal(await statusOf(new Actor(url).get('/api/v1/categories', from(here))), 200, 'a visitor of the same network')
  t.equal(await statusOf(people[0]?.request('POST', `${AUTH}/logout`, undefined, from(here)) ?? Promise.reject()), 204)
}

t.test('the accounts of one network share a limit', async (t) => {
  await t.test('embedded', async (t) => checkNetwork(t, (await startService(t, limits)).url))
  await t.test('counted in Redis', async (t) => {
    const redis = await RedisServer.start()
    t.teardown(() => redis.stop())
    await checkNetwork(t, (await startService(t, { ...limits, REDIS_URL: redis.url })).url)
  })
})

t.test('registration can be closed, and the configured admin still exists', async (t) => {
  const { url } = await startService(t, {
    RATE_LIMIT_ANONYMOUS: '0',
    REGISTRATION: 'closed',
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password
  })
  const { answer } = await registerFrom(url, '127.0.0.1', 'ann')
  t.match(await bodyOf(ErrorBody, answer, 403), { code: 'REGISTRATION_CLOSED' })
  t.same(answer.headers.getSetCookie(), [])
  const admin = await signIn(url, ADMIN.email, ADMIN.password)
  t.equal(await statusOf(admin.get(`${AUTH}/session`)), 200, 'the configured admin exists')
})
