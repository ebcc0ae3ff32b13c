import t from 'tap'
import { specs as courses } from '#courses/cache-specs.ts'
import { specs as users } from '#users/cache-specs.ts'
import { createEntry, encodeEntry, newStamp } from '../../src/cache/entry.ts'
import { Actor, ADMIN, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { timed } from '../support/eventually.ts'
import { bodyOf, eventually, lookInto, OwnUser, statusOf } from '../support/people.ts'
import { RedisServer } from '../support/redis.ts'
import { runScript } from '../support/script.ts'
import { copySeededDataDir } from '../support/seeded-data-dir.ts'
import { spawnService, temporaryFolder } from '../support/service.ts'

const PREFIX = 'aikademiya'
const ADMINS_ONLY = '/api/v1/users'
const LATE = 60_000

/** An attacker who can write to Redis, and to nothing else. */
t.test('writing to Redis makes nobody an admin, and stops no process', async (t) => {
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const inRedis = lookInto(t, redis)
  const dataDir = await temporaryFolder(t)
  await copySeededDataDir(dataDir)
  const service = await spawnService({
    ...peopleEnvironment,
    REDIS_URL: redis.url,
    DATA_DIR: dataDir,
    CACHE_L1_LEASE_MS: '0',
    LOG_LEVEL: 'info'
  })
  t.teardown(() => service.kill('SIGKILL'))
  const { url } = service
  const visitor = new Actor(url)
  const ann = await register(url, 'ann')
  const boss = await signIn(url, ADMIN.email, ADMIN.password)
  const me = await bodyOf(OwnUser, await ann.get('/api/v1/users/me'))

  /** Plants an entry that is valid by the stamps in Redis. */
  async function plant(spec: { key: string; shape: string; tags: readonly string[] }, value: string): Promise<void> {
    // New stamps, so that processes drop their copies and read the entry.
    const stamps = spec.tags.map(() => newStamp())
    for (const [i, tag] of spec.tags.entries()) await inRedis.set(`${PREFIX}:tag:${tag}`, stamps[i] ?? '', 'PX', LATE)
    const entry = createEntry(spec.shape, value, { tags: spec.tags, stamps })
    await inRedis.set(`${PREFIX}:${spec.key}`, encodeEntry(entry), 'PX', LATE)
  }

  await t.test('a planted account is not trusted', async (t) => {
    const planted = JSON.stringify({ ...me, role: 'admin', sessionEpoch: 1 })
    for (const spec of [users.profile(me.id), users.account(me.id)]) {
      await plant(spec, planted)
      t.equal(await statusOf(ann.get(ADMINS_ONLY)), 403, spec.key)
      t.match(await bodyOf(OwnUser, await ann.get('/api/v1/users/me')), { role: 'student' })
    }
  })

  await t.test('restoring an old stamp does not restore a revoked role', async (t) => {
    const role = async (role: string) => statusOf(boss.request('PATCH', `/api/v1/users/${me.id}`, { role }))
    t.equal(await role('admin'), 200)
    t.equal(await statusOf(ann.get(ADMINS_ONLY)), 200)
    const stamp = (await inRedis.get(`${PREFIX}:tag:user:${me.id}`)) ?? ''
    t.equal(await role('student'), 200)
    await inRedis.set(`${PREFIX}:tag:user:${me.id}`, stamp, 'PX', LATE)
    t.equal(await statusOf(ann.get(ADMINS_ONLY)), 403)
    const line =
      /"audit":"role changed","user":\d+,"email":"admin@example\.org".*"status":200.*"from":"admin","to":"student"/
    t.ok(await eventually(async () => line.test(service.output())), 'the log names who revoked it')
  })

  await t.test('a malformed or oversized entry is a miss', async (t) => {
    const good = await (await visitor.get('/api/v1/courses/1')).text()
    const spec = courses.course(1)
    const odd = ['null', '{"id":1}', 'no JSON', `${'['.repeat(5000)}`, JSON.stringify({ ...JSON.parse(good), id: 'x' })]
    for (const value of [...odd, `"${'x'.repeat(5_000_000)}"`]) {
      await plant(spec, value)
      const answer = await visitor.get('/api/v1/courses/1')
      t.same([answer.status, answer.headers.get('x-cache')], [200, 'MISS'], value.slice(0, 20))
      t.equal(await answer.text(), good)
    }
    await inRedis.set(`${PREFIX}:tag:course:1`, spec.tags[0] ?? '', 'PX', LATE)
    const tags = [...spec.tags, ...Array.from({ length: 100_000 }, (_, i) => `t${i}`)]
    await inRedis.set(`${PREFIX}:${spec.key}`, encodeEntry({ ...createEntry(spec.shape, good), tags, stamps: tags }))
    t.equal((await visitor.get('/api/v1/courses/1')).headers.get('x-cache'), 'MISS', '100,000 tags')
    await inRedis.set(`${PREFIX}:tag:course:1`, 'x'.repeat(5_000_000))
    t.equal((await visitor.get('/api/v1/courses/1')).status, 200, 'a stamp of 5 MB')
  })

  await t.test('invalid messages stop no process, and are one line in the log', async (t) => {
    // Fills the memory tier, whose keys are matched against the pattern of a message.
    await Promise.all(Array.from({ length: 60 }, (_, i) => statusOf(visitor.get(`/api/v1/courses?limit=${i + 1}`))))
    const messages = [
      { from: 'x', clear: '*'.repeat(100_000) },
      { from: 'x', clear: `${'*a'.repeat(255)}b` },
      { from: 'x', tags: Array.from({ length: 100_000 }, (_, i) => `course:${i}`) },
      { from: 'x', tags: ['x'.repeat(2_000_000)] },
      { from: 'x'.repeat(2_000_000) },
      { from: 'x', tags: 'course:1' }
    ]
    for (let round = 0; round < 2; round++) {
      for (const message of messages) await inRedis.publish(`${PREFIX}:invalidations`, JSON.stringify(message))
      await inRedis.publish(`${PREFIX}:invalidations`, '{'.repeat(1_000_000))
    }
    const [status, ms] = await timed(() => statusOf(visitor.get('/health/live')))
    t.equal(status, 200)
    t.ok(ms < 1000, `${ms} ms`)
    t.ok(await eventually(async () => service.output().includes('not an invalidation message')))
    t.equal(service.output().match(/not an invalidation message/g)?.length, 1)
  })

  await t.test('the log records clearings and admin actions, with their author', async (t) => {
    const logged = (line: RegExp) => eventually(async () => line.test(service.output()))
    const cleared = await runScript('src/cli/clear-cache.ts', { REDIS_URL: redis.url }, '--pattern', 'api:*', '--yes')
    t.equal(cleared.code, 0)
    t.ok(await logged(/"audit":"cache cleared","by":"npm run clear-cache, [^"@]+@[^"]+","pattern":"api:\*"/))
    t.equal(await statusOf(boss.request('DELETE', '/api/v1/admin/cache?pattern=course:*')), 200)
    t.ok(
      await logged(
        /"audit":"cache cleared".*"email":"admin@example\.org".*"status":200,"pattern":"course:\*","deleted":\d+/
      )
    )
    t.equal(await statusOf(boss.request('DELETE', '/api/v1/categories/none')), 404)
    t.ok(
      await logged(/"audit":"admin action".*"method":"DELETE".*"params":{"slug":"none"},"status":404/),
      'failed actions too'
    )
    t.equal(await statusOf(boss.request('DELETE', `/api/v1/admin/cache?pattern=${'*'.repeat(513)}`)), 400)
    t.notMatch(service.output(), /"audit":[^\n]*"email":"ann@/, 'actions of other users are not recorded')
  })

  t.equal(await statusOf(ann.get('/api/v1/auth/session')), 200)
})
