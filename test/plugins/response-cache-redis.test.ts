import { Redis } from 'ioredis'
import t from 'tap'
import { startReal } from '../support/both-ways.ts'
import { send } from '../support/http.ts'
import { startService } from '../support/service.ts'

const MINUTE = 60_000
const JITTER = 0.05
/** The time that may pass between storing an entry and reading its TTL. */
const SLACK_MS = 10_000

t.test('the cache in Redis', async (t) => {
  const { app, url, redis: server, postgres, env } = await startReal(t)
  const redis = new Redis(server.url)
  t.teardown(() => redis.disconnect())
  const chapter = await app.database.client.chapter.findFirstOrThrow({ where: { courseId: 2 } })
  const cached = async (base: string, path: string) => (await send(`${base}/api/v1${path}`)).headers.get('x-cache')

  const documented = [
    ['/courses/2', 'aikademiya:course:2', 30 * MINUTE],
    ['/courses/2/modules', 'aikademiya:course:2:modules', 30 * MINUTE],
    [`/courses/2/chapters/${chapter.id}`, `aikademiya:course:2:chapter:${chapter.id}`, 30 * MINUTE],
    ['/categories', 'aikademiya:api:categories', 30 * MINUTE],
    ['/courses?limit=3&search=SQL', 'aikademiya:api:courses:*', 10 * MINUTE]
  ] as const
  for (const [path, pattern, ttl] of documented) {
    await t.test(`${path} is stored under ${pattern} for ${ttl / MINUTE} minutes, minus the jitter`, async (t) => {
      t.same(await redis.keys(pattern), [], 'no key before the request')
      t.equal(await cached(url, path), 'MISS')
      const [key, ...others] = await redis.keys(pattern)
      t.same(others, [], 'exactly one key')
      const left = await redis.pttl(key ?? '')
      t.ok(left <= ttl && left > ttl * (1 - JITTER) - SLACK_MS, `${left} ms are left`)
    })
  }

  await t.test('equivalent queries share a key; another list has another key', async (t) => {
    await send(`${url}/api/v1/courses?search=sql&page=1&limit=3`)
    t.equal((await redis.keys('aikademiya:api:courses:*')).length, 1)
    await send(`${url}/api/v1/courses?search=sql&page=2&limit=3`)
    t.equal((await redis.keys('aikademiya:api:courses:*')).length, 2)
  })

  await t.test('jitter differs between entries, so that they do not expire together', async (t) => {
    const ids = [3, 4, 5, 6, 7, 8, 9, 10]
    await Promise.all(ids.map((id) => cached(url, `/courses/${id}`)))
    const left = await Promise.all(ids.map((id) => redis.pttl(`aikademiya:course:${id}`)))
    t.ok(Math.max(...left) - Math.min(...left) > 1000, `${left} ms are left`)
  })

  await t.test('every key is under the prefix, expires, and contains no client input', async (t) => {
    const search = encodeURIComponent('Ёж "*" {x}')
    t.equal(await cached(url, `/courses?search=${search}`), 'MISS')
    const keys = await redis.keys('*')
    t.ok(keys.length > documented.length)
    for (const key of keys) {
      t.match(key, /^aikademiya:[A-Za-z0-9:_.-]{1,500}$/)
      t.ok((await redis.pttl(key)) > 0, `${key} expires`)
    }
  })

  await t.test('an instance answers from what another has cached', async (t) => {
    const other = await startService(t, env)
    t.equal(await cached(url, '/courses/11'), 'MISS')
    t.equal(await cached(other.url, '/courses/11'), 'HIT')
    const [mine, theirs] = await Promise.all([url, other.url].map((base) => send(`${base}/api/v1/courses/11`)))
    t.equal(mine?.headers.get('etag'), theirs?.headers.get('etag'))
    t.equal(mine?.body, theirs?.body)
  })

  await t.test('REDIS_KEY_PREFIX gives a service keys of its own', async (t) => {
    const DATABASE_URL = await postgres.createDatabase()
    const other = await startService(t, { ...env, DATABASE_URL, REDIS_KEY_PREFIX: 'school-7' })
    t.equal(await cached(url, '/courses/12'), 'MISS')
    t.equal(await cached(other.url, '/courses/12'), 'MISS')
    t.equal(await cached(other.url, '/courses/12'), 'HIT')
    t.equal(await redis.exists('school-7:course:12'), 1)
    const keys = await redis.keys('*')
    t.same(
      keys.filter((key) => !key.startsWith('aikademiya:') && !key.startsWith('school-7:')),
      []
    )
  })

  await t.test('the ETag depends on the content alone, and survives the loss of the cache', async (t) => {
    const before = await send(`${url}/api/v1/courses/2`)
    await redis.flushall()
    const fresh = await startService(t, env)
    const after = await send(`${fresh.url}/api/v1/courses/2`)
    t.equal(after.headers.get('x-cache'), 'MISS')
    t.equal(after.headers.get('etag'), before.headers.get('etag'))
    const known = { headers: { 'If-None-Match': before.headers.get('etag') ?? '' } }
    t.equal((await send(`${fresh.url}/api/v1/courses/2`, known)).status, 304)
  })
})
