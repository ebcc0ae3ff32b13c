import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { MemorySessions, RedisSessions, type SessionStore } from '#sessions/session-store.ts'
import { RedisServer } from '../support/redis.ts'

const TTL_MS = 60_000
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The contract of both stores: the suite runs on the store in memory, then on a real Redis. */
async function suite(t: Test, store: SessionStore): Promise<void> {
  await t.test('a session is kept until its TTL ends', async (t) => {
    await store.ready()
    t.equal(await store.get('short'), null)
    await store.begin('short', 'text', 100)
    t.equal(await store.get('short'), 'text')
    await later(150)
    t.equal(await store.get('short'), null)
  })

  await t.test('an existing session is renewed with its new content', async (t) => {
    await store.begin('used', 'before', 100)
    await store.extend('used', 'after', TTL_MS)
    await later(150)
    t.equal(await store.get('used'), 'after')
  })

  await t.test('an ended, expired or unknown session is not restored by a renewal', async (t) => {
    await store.begin('ended', 'text', TTL_MS)
    await store.delete('ended')
    await store.begin('over', 'text', 20)
    await later(50)
    for (const id of ['ended', 'over', 'never']) {
      await store.extend(id, 'text', TTL_MS)
      t.equal(await store.get(id), null, id)
      await store.delete(id)
    }
  })

  await t.test('a logout wins over a concurrent request, in either order', async (t) => {
    for (const logoutFirst of [true, false]) {
      await store.begin('raced', 'text', TTL_MS)
      const steps = [() => store.delete('raced'), () => store.extend('raced', 'longer', TTL_MS)]
      if (!logoutFirst) steps.reverse()
      await Promise.all(steps.map((step) => step()))
      t.equal(await store.get('raced'), null)
    }
  })

  await t.test('the id of an ended session may be used again', async (t) => {
    await store.begin('again', 'one', TTL_MS)
    await store.delete('again')
    await store.begin('again', 'two', TTL_MS)
    t.equal(await store.get('again'), 'two')
  })
}

t.test('in memory', (t) => suite(t, new MemorySessions()))

t.test('on Redis', async (t) => {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  const redis = new Redis(server.url, { commandTimeout: 250, maxRetriesPerRequest: 0 })
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  const store = new RedisSessions(redis, 'app')
  await suite(t, store)

  await t.test('two prefixes on one Redis are two stores', async (t) => {
    const other = new RedisSessions(redis, 'other')
    await store.begin('shared', 'mine', TTL_MS)
    await other.extend('shared', 'theirs', TTL_MS)
    await other.delete('shared')
    t.equal(await store.get('shared'), 'mine')
    t.equal(await other.get('shared'), null)
    t.ok((await redis.keys('*')).includes('app:session:shared'), 'the documented key')
  })

  await t.test('a full Redis still serves reads, and is not ready', async (t) => {
    await store.begin('old', 'text', TTL_MS)
    await redis.config('SET', 'maxmemory', '1')
    await t.rejects(store.ready())
    await t.rejects(store.begin('new', 'text', TTL_MS))
    t.equal(await store.get('old'), 'text')
    await store.delete('old')
    t.equal(await store.get('old'), null, 'a session can still be ended')
    await redis.config('SET', 'maxmemory', '0')
    await store.ready()
  })

  await t.test('a Redis that is a replica, frozen or down is not ready', async (t) => {
    await redis.replicaof('127.0.0.1', '1')
    await t.rejects(store.ready(), /READONLY/)
    await redis.replicaof('NO', 'ONE')
    await store.ready()
    server.signal('SIGSTOP')
    await t.rejects(store.ready())
    await t.rejects(store.get('old'))
    server.signal('SIGCONT')
    await server.kill()
    await t.rejects(store.ready())
    await t.rejects(store.extend('old', 'text', TTL_MS))
  })
})
