import pg from 'pg'
import t from 'tap'
import { timed, until } from '../support/eventually.ts'
import { connectDatabase, leaveTags, startDatabase } from '../support/postgres-database.ts'

const { url, database } = await startDatabase(t)
const other = await connectDatabase(t, url)
const { client, outbox } = database

const refuse = async () => {
  throw new Error('Redis is gone')
}

/** Empties the outbox, inserts these tags, and returns a function that records the applied tags. */
async function left(...tags: string[]) {
  await client.$executeRaw`delete from cache_invalidation`
  if (tags.length > 0) await leaveTags(database, tags)
  const applied: string[] = []
  const apply = async (tags: string[]) => void applied.push(...tags)
  return { applied, apply }
}

t.test('unapplied rows are applied once, and marked', async (t) => {
  const { applied, apply } = await left('course:1', 'courses')
  await leaveTags(database, ['courses', 'user:7'])
  t.equal(await outbox.depth(), 4)
  t.equal(await outbox.sweep(0, apply), 4)
  t.same(applied.sort(), ['course:1', 'courses', 'user:7'], 'each tag once')
  t.equal(await outbox.depth(), 0)
  t.equal(await outbox.sweep(0, apply), 0)
  t.equal(applied.length, 3)
})

t.test('rows younger than the grace period are left to their writer', async (t) => {
  const { applied, apply } = await left('old')
  await client.$executeRaw`update cache_invalidation set created_at = created_at - interval '1 minute'`
  await leaveTags(database, ['young'])
  t.equal(await outbox.sweep(30_000, apply), 1)
  t.same(applied, ['old'])
  t.equal(await outbox.sweep(0, apply), 1)
})

t.test('rows that could not be applied stay, and are applied the next time', async (t) => {
  const { applied, apply } = await left('course:1')
  await t.rejects(outbox.sweep(0, refuse), { message: 'Redis is gone' })
  t.equal(await outbox.depth(), 1)
  t.equal(await outbox.sweep(0, apply), 1)
  t.same(applied, ['course:1'])
})

t.test('two sweepers do not work on the same row', async (t) => {
  const { applied, apply } = await left('course:1', 'course:2')
  const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const first = outbox.sweep(0, async (tags) => {
    started.resolve()
    await gate.promise
    await apply(tags)
  })
  await started.promise
  await leaveTags(database, ['course:3'])
  t.equal(await other.outbox.sweep(0, apply), 1)
  t.same(applied, ['course:3'])
  gate.resolve()
  t.equal(await first, 2)
  t.same(applied.sort(), ['course:1', 'course:2', 'course:3'])
  t.equal(await other.outbox.sweep(0, apply), 0)
})

t.test('rows held by a crashed sweeper are applied by the next one', async (t) => {
  const { applied, apply } = await left('course:1')
  const doomed = await connectDatabase(t, url)
  const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const first = doomed.outbox.sweep(0, async () => {
    started.resolve()
    await gate.promise
  })
  await started.promise
  t.equal(await outbox.sweep(0, apply), 0)
  await client.$executeRaw`
    select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction' and pid <> pg_backend_pid()`
  gate.resolve()
  await t.rejects(first)
  t.equal(await outbox.sweep(0, apply), 1)
  t.same(applied, ['course:1'])
})

t.test('uncommitted rows are ignored', async (t) => {
  const { applied, apply } = await left()
  const writer = new pg.Client({ connectionString: url })
  await writer.connect()
  t.teardown(() => writer.end())
  for (const end of ['rollback', 'commit']) {
    await writer.query('begin')
    await writer.query(`insert into category (slug, name) values ('x', 'X')`)
    t.equal(await outbox.sweep(0, apply), 0)
    await writer.query(end)
  }
  t.equal(await outbox.sweep(0, apply), 1)
  t.same(applied, ['categories'])
})

t.test('any number of rows is applied, each exactly once', async (t) => {
  const tags = Array.from({ length: 2500 }, (_, i) => `course:${i}`)
  const { applied, apply } = await left(...tags)
  let rows = 0
  for (let swept = -1; swept !== 0; rows += swept) swept = await outbox.sweep(0, apply)
  t.equal(rows, 2500)
  t.same(applied.sort(), tags.sort())
})

t.test('acknowledgements are batched into one statement', async (t) => {
  await left(...Array.from({ length: 300 }, (_, i) => `course:${i}`))
  const rows = await client.$queryRaw<{ id: bigint }[]>`select id from cache_invalidation`
  for (const { id } of rows) outbox.acknowledge([id])
  await until(async () => (await outbox.depth()) === 0, 2000)
  const [{ transactions }] = await client.$queryRaw<[{ transactions: number }]>`
    select count(distinct xmin::text)::int as transactions from cache_invalidation`
  t.equal(transactions, 1)
})

t.test('flush acknowledges at once, and ignores missing rows', async (t) => {
  const { apply } = await left('course:1')
  const [{ id }] = await client.$queryRaw<[{ id: bigint }]>`select id from cache_invalidation`
  outbox.acknowledge([id, id, 999_999_999_999n])
  await outbox.flush()
  t.equal(await outbox.depth(), 0)
  await outbox.flush()
  t.equal(await outbox.sweep(0, apply), 0)
})

t.test('a hand-over waits for a bounded time until another process has applied the rows', async (t) => {
  const { apply } = await left('course:1')
  const rows = await client.$queryRaw<{ id: bigint }[]>`select id from cache_invalidation`
  const ids = rows.map(({ id }) => id)
  const [, ms] = await timed(() => outbox.handOver(ids, 200))
  t.ok(ms >= 200 && ms < 700, `no process applied them: ${ms} ms`)
  t.equal(await outbox.depth(), 1)
  const handing = timed(() => outbox.handOver(ids, 5000))
  await other.outbox.sweep(0, apply)
  const [, otherMs] = await handing
  t.ok(otherMs < 1000, `another process applied them: ${otherMs} ms`)
})

t.test('a replay applies unapplied rows, and repeats those applied at least in the last minute', async (t) => {
  const { applied, apply } = await left('left', 'just now', 'lately')
  const age = (tag: string, age: string) => client.$executeRaw`
    update cache_invalidation set applied_at = clock_timestamp() - ${age}::interval where tag = ${tag}`
  await age('just now', '0 seconds')
  await age('lately', '59 seconds')
  await t.rejects(outbox.replay(refuse), { message: 'Redis is gone' })
  t.equal(await outbox.depth(), 1, 'the unapplied row is still there')
  await outbox.replay(apply)
  t.same(applied.sort(), ['just now', 'lately', 'left'])
  await outbox.flush()
  t.equal(await outbox.depth(), 0)
  applied.length = 0
  await outbox.replay(apply)
  t.same(applied.sort(), ['just now', 'lately', 'left'], 'a second replay applies them again')
})

t.test('rows applied more than five minutes ago are deleted, unapplied rows never', async (t) => {
  await left('never applied', 'applied lately', 'applied long ago')
  await client.$executeRaw`update cache_invalidation set created_at = created_at - interval '1 day'`
  await client.$executeRaw`
    update cache_invalidation set applied_at = clock_timestamp() - interval '4 minutes' where tag = 'applied lately'`
  await client.$executeRaw`
    update cache_invalidation set applied_at = clock_timestamp() - interval '301 seconds' where tag = 'applied long ago'`
  await outbox.prune()
  const rows = await client.$queryRaw<{ tag: string }[]>`select tag from cache_invalidation order by id`
  t.same(
    rows.map(({ tag }) => tag),
    ['never applied', 'applied lately']
  )
})
