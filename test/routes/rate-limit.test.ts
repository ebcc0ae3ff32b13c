import { once } from 'node:events'
import { connect } from 'node:net'
import type { Test } from 'tap'
import t from 'tap'
import { Actor, ADMIN, peopleEnvironment, register } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { bodyOf, statusOf } from '../support/people.ts'
import { PostgresServer } from '../support/postgres.ts'
import { RedisServer } from '../support/redis.ts'
import { spawnService, startService } from '../support/service.ts'

const LOGIN = '/api/v1/auth/login'
const READ = '/api/v1/categories'

const from = (address: string) => ({ 'x-forwarded-for': address })
const remaining = (answer: Response) => Number(answer.headers.get('x-ratelimit-remaining'))

t.test('limits, on Redis and PostgreSQL', async (t) => {
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const postgres = await PostgresServer.start()
  t.teardown(() => postgres.stop())
  const DATABASE_URL = await postgres.createDatabase()
  let counters = 0
  /** With separate counters. */
  const environment = (more: object) => ({
    REDIS_URL: redis.url,
    DATABASE_URL,
    REDIS_LIMIT_URL: `${redis.url}/${++counters}`,
    SEED: 'demo',
    TRUST_PROXY: 'true',
    ...more
  })
  const start = async (t: Test, more: object) => new Actor((await startService(t, environment(more))).url)

  await t.test('the headers count down, and a 429 has Retry-After', async (t) => {
    const client = await start(t, { RATE_LIMIT_ANONYMOUS: '4' })
    const first = await client.get(READ)
    t.match([first.headers.get('x-ratelimit-limit'), remaining(first)], ['4', 3])
    const reset = Number(first.headers.get('x-ratelimit-reset'))
    t.ok(reset > 3590 && reset <= 3600, `${reset} s`)
    const hit = await client.get(READ)
    t.match([hit.headers.get('x-cache'), remaining(hit)], ['HIT', 2], 'a hit counts')
    const same = await client.get(READ, { 'if-none-match': hit.headers.get('etag') ?? '' })
    t.match([same.status, remaining(same)], [304, 1], 'a 304 counts')
    t.equal(remaining(await client.request('HEAD', READ)), 0)
    const refused = await client.get(READ)
    const wait = Number(refused.headers.get('retry-after'))
    t.ok(wait > 3500 && wait <= 3600, `${wait} s`)
    t.equal(refused.headers.get('x-ratelimit-remaining'), '0')
    t.match(await bodyOf(ErrorBody, refused, 429), { code: 'RATE_LIMITED' })
    t.equal(await statusOf(client.get(READ, from('10.0.0.9'))), 200, 'another address is another client')
  })

  await t.test('a client that resets its connection is not logged as an error', async (t) => {
    const service = await spawnService(environment({ SESSION_SECRET: 'the secret of these tests is long' }))
    t.teardown(() => service.kill('SIGKILL'))
    const { port } = new URL(service.url)
    for (let i = 0; i < 50; i++) {
      const socket = connect(Number(port), '127.0.0.1')
      await once(socket, 'connect')
      socket.write(`GET ${READ} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(3))
      setImmediate(() => socket.resetAndDestroy())
    }
    t.equal(await statusOf(new Actor(service.url).get(READ)), 200)
    await service.kill('SIGTERM')
    t.notMatch(service.output(), /"level":[56]0/)
  })

  await t.test('an IPv6 address counts as its /64 network, a mapped IPv4 address as IPv4', async (t) => {
    const client = await start(t, { RATE_LIMIT_ANONYMOUS: '50' })
    const left = async (address: string) => remaining(await client.get(READ, from(address)))
    t.equal(await left('2001:db8:1:2::1'), 49)
    t.equal(await left('2001:db8:1:2:ffff:ffff:ffff:ffff'), 48, 'the same /64')
    t.equal(await left('2001:0DB8:0001:0002:0:0:0:7'), 47, 'in any spelling')
    t.equal(await left('2001:db8:1:3::1'), 49, 'another /64')
    t.equal(await left('192.0.2.1'), 49)
    t.equal(await left('192.0.2.1:4431'), 48, 'with a port, as some proxies append')
    t.equal(await left('[2001:db8:1:2::8]:443'), 46, 'with brackets too')
    t.equal(await left('for=nobody:9'), 49, 'a value that is not an address is counted as text')
    t.equal(await left('for=nobody:9'), 48)
    t.equal(await left('::ffff:192.0.2.1'), 47)
    t.equal(await left('192.0.2.1, 10.0.0.1'), 46, 'the client of a trusted proxy')
  })

  await t.test('without a trusted proxy X-Forwarded-For is ignored', async (t) => {
    const client = await start(t, { RATE_LIMIT_ANONYMOUS: '2', TRUST_PROXY: 'false' })
    const answers = [1, 2, 3].map((n) => () => statusOf(client.get(READ, from(`10.0.0.${n}`))))
    const statuses = []
    for (const answer of answers) statuses.push(await answer())
    t.same(statuses, [200, 200, 429])
  })

  await t.test('a signed-in user is counted by account, from any address', async (t) => {
    const client = await start(t, { RATE_LIMIT_ANONYMOUS: '3', RATE_LIMIT_USER: '5' })
    const credentials = { email: 'counted@example.org', password: 'password of counted', name: 'counted' }
    const answer = await client.request('POST', '/api/v1/auth/register', credentials, from('10.1.0.1'))
    client.cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const statuses = []
    for (let n = 1; n <= 6; n++) statuses.push(await statusOf(client.get(READ, from(`10.1.0.${n}`))))
    t.same(statuses, [200, 200, 200, 200, 200, 429])
    client.cookie = ''
    t.equal(await statusOf(client.get(READ, from('10.1.0.1'))), 200, 'the address itself is not used up')
  })

  await t.test('an address has ten logins a minute over all accounts; other addresses are unaffected', async (t) => {
    const client = await start(t, { RATE_LIMIT_ANONYMOUS: '1000' })
    const login = (email: string, address: string) =>
      statusOf(client.request('POST', LOGIN, { email, password: 'wrong' }, from(address)))
    const ofOne = []
    for (let n = 0; n < 12; n++) ofOne.push(await login(`user${n}@example.org`, '10.2.0.1'))
    t.same(ofOne, [...Array(10).fill(401), 429, 429])
    const onOne = []
    for (let n = 0; n < 12; n++) onOne.push(await login('Target@example.org', `10.3.0.${n}`))
    t.same(onOne, Array(12).fill(401), 'guesses at an account do not lock it for everybody')
    t.equal(await statusOf(client.get(READ, from('10.2.0.1'))), 200, 'reads still work')
  })

  await t.test('a signed-in user has ten password guesses a minute, and may always sign out', async (t) => {
    const { url } = await startService(t, environment({ RATE_LIMIT_ANONYMOUS: '1000' }))
    const ann = await register(url, 'guesser')
    const guess = () => ann.request('POST', '/api/v1/auth/password', { current: 'wrong', next: 'long enough it is' })
    const statuses: number[] = []
    for (let i = 0; i < 12; i++) statuses.push(await statusOf(guess()))
    t.equal(statuses.filter((status) => status === 403).length, 10)
    const refused = await guess()
    t.equal(refused.status, 429)
    t.match(Object.fromEntries(refused.headers), {
      'x-ratelimit-limit': '10',
      'x-ratelimit-remaining': '0',
      'retry-after': /^\d+$/,
      'x-ratelimit-reset': /^\d+$/
    })
    t.equal(await statusOf(ann.request('POST', '/api/v1/auth/logout')), 204)
  })

  await t.test('a limit of 0 is off', async (t) => {
    const client = await start(t, peopleEnvironment)
    const read = await client.get(READ)
    t.equal(read.headers.get('x-ratelimit-limit'), null)
    const logins = Array.from({ length: 15 }, () =>
      statusOf(client.request('POST', LOGIN, { email: ADMIN.email, password: 'x' }))
    )
    t.same(await Promise.all(logins), Array(15).fill(401))
    const ann = await register((await startService(t, environment({ RATE_LIMIT_USER: '0' }))).url, `zero${counters}`)
    t.equal((await ann.get(READ)).headers.get('x-ratelimit-limit'), null)
  })

  await t.test('without Redis each process counts for itself', async (t) => {
    const clients = [await start(t, { RATE_LIMIT_ANONYMOUS: '5' }), await start(t, { RATE_LIMIT_ANONYMOUS: '5' })]
    await redis.kill()
    for (const client of clients) {
      const statuses = []
      for (let n = 0; n < 7; n++) statuses.push(await statusOf(client.get(READ)))
      t.same(statuses, [200, 200, 200, 200, 200, 429, 429])
    }
  })
})
