import t from 'tap'
import { freshSpec, openService, present, read, Source } from '../support/caches.ts'
import { timed, until } from '../support/eventually.ts'
import { RedisServer } from '../support/redis.ts'

/** The command timeout. */
const TIMEOUT_MS = 250
const SLACK_MS = 250
const AT_ONCE_MS = 200
const STRICT = { l1LeaseMs: 0 }

const server = await RedisServer.start()
t.teardown(() => server.stop())
// The tags that a process could not invalidate, as its outbox has them.
const outbox: string[] = []
const { caches } = await openService(t, server, [STRICT, STRICT], (apply) => apply([...outbox]))
const [a, b] = [present(caches[0]), present(caches[1])]

t.test('Redis freezes', async (t) => {
  const source = new Source('old')
  const spec = freshSpec()
  for (const cache of [a, b]) await cache.wrap(spec, source.load)
  // An entry that both processes had a copy of, and that has expired.
  const expired = freshSpec({ ttlMs: 1 })
  for (const cache of [a, b]) await cache.wrap(expired, source.load)
  const caught = source.gated()
  const inTheMiddle = timed(() => a.wrap(freshSpec(), caught.load))
  await caught.started
  server.signal('SIGSTOP')

  await t.test('a read and its waiters are answered after one command timeout', async (t) => {
    const reads = Array.from({ length: 20 }, () => timed(() => read(b, spec, source.load)))
    for (const [{ value, outcome }, ms] of await Promise.all(reads)) {
      t.same([value, outcome], ['old', 'BYPASS'])
      t.ok(ms < TIMEOUT_MS + SLACK_MS, `${ms} ms`)
    }
  })

  await t.test('later reads are answered at once', async (t) => {
    for (let i = 0; i < 10; i++) {
      const [, ms] = await timed(() => b.wrap(freshSpec(), source.load))
      t.ok(ms < AT_ONCE_MS, `${ms} ms`)
    }
  })

  await t.test('a read in progress is answered too', async (t) => {
    caught.finish()
    const [value, ms] = await inTheMiddle
    t.equal(value, 'old')
    t.ok(ms < 1500, `${ms} ms`)
  })

  await t.test('a write that waits for Redis gives up, and its process reads the new value', async (t) => {
    source.value = 'new'
    const [, ms] = await timed(() => t.rejects(a.invalidate(spec.tags)))
    t.ok(ms < 1500, `${ms} ms`)
    outbox.push(...spec.tags)
    t.equal(await a.wrap(spec, source.load), 'new')
  })

  await t.test('stale-if-error serves nothing that another process may have changed during the freeze', async (t) => {
    const gone = async () => Promise.reject(new Error('the database is gone'))
    await t.rejects(a.invalidate(expired.tags))
    outbox.push(...expired.tags)
    await t.rejects(b.wrap(expired, gone), { message: 'the database is gone' })
  })

  await t.test('when Redis resumes, no reader sees a value overwritten meanwhile', async (t) => {
    server.signal('SIGCONT')
    const values = new Set<string>()
    await until(async () => {
      for (const cache of [a, b]) if (cache.trusted) values.add(await cache.wrap(spec, source.load))
      return a.trusted && b.trusted
    }, 3000)
    for (const cache of [a, b]) values.add(await cache.wrap(spec, source.load))
    t.same([...values], ['new'])
    t.equal((await read(a, spec, source.load)).outcome, 'HIT')
  })
})

t.test('a short pause of Redis delays an invalidation, and does not lose it', async (t) => {
  const source = new Source('old')
  const spec = freshSpec()
  for (const cache of [a, b]) await cache.wrap(spec, source.load)
  server.signal('SIGSTOP')
  setTimeout(() => server.signal('SIGCONT'), TIMEOUT_MS + 50)
  source.value = 'new'
  await a.invalidate(spec.tags)
  t.same(await Promise.all([a.wrap(spec, source.load), b.wrap(spec, source.load)]), ['new', 'new'])
})
