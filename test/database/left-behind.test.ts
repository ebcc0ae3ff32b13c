import t from 'tap'
import { specs } from '../support/cached-data.ts'
import { query } from '../support/database.ts'
import { timed, until } from '../support/eventually.ts'
import { freePort } from '../support/port.ts'
import { PostgresServer } from '../support/postgres.ts'
import { connectDatabase } from '../support/postgres-database.ts'
import { RedisServer } from '../support/redis.ts'
import { startService } from '../support/service.ts'

/** The time by which no service may read the old value. */
const BOUND_MS = 1000
const RECOVERED_MS = 4000

const redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always')
t.teardown(() => redis.stop())
const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
const DATABASE_URL = await postgres.createDatabase()
const env = { REDIS_URL: redis.url, DATABASE_URL }
const [first, second] = [await startService(t, env), await startService(t, env)]
const services = [first, second]
const { client, outbox } = first.app.database

const author = await client.user.create({ data: { name: 'A', email: 'a@example.com', passwordHash: '!' } })
const data = {
  slug: 'c',
  title: 'before',
  summary: '',
  level: 'beginner',
  language: 'en',
  authorId: author.id
} as const
const { id } = await client.course.create({ data })

/** The title as each service reads it through its cache. */
const titles = () =>
  Promise.all(
    services.map(({ app }) =>
      app.coherentCache.wrap(specs.course(id), async () => {
        const { title } = await app.database.client.course.findUniqueOrThrow({ where: { id } })
        return title
      })
    )
  )
const everywhere = async (title: string) => (await titles()).every((one) => one === title)

t.test('a write whose process crashed after the commit is seen within a second', async (t) => {
  // This client has no commit listener, so it leaves the same state as a crash.
  const crashed = await connectDatabase(t, DATABASE_URL)
  for (const title of ['one', 'two']) {
    await titles()
    await crashed.client.course.update({ where: { id }, data: { title } })
    const ms = await until(() => everywhere(title), 5000)
    t.ok(ms < BOUND_MS, `${ms} ms`)
  }
})

t.test('a write from outside the service is seen within a second', async (t) => {
  for (const title of ['four', 'five', 'six']) {
    await titles()
    await query(DATABASE_URL, `update course set title = '${title}' where id = ${id}`)
    const ms = await until(() => everywhere(title), 5000)
    t.ok(ms < BOUND_MS, `${ms} ms`)
  }
})

t.test('a write in a long transaction is seen within a second of its commit', async (t) => {
  await titles()
  await query(DATABASE_URL, `begin; update course set title = 'seven' where id = ${id}; select pg_sleep(0.7); commit`)
  const ms = await until(() => everywhere('seven'), 5000)
  t.ok(ms < BOUND_MS, `${ms} ms`)
})

t.test('a process cut off from Redis notifies the others, which apply its writes at once', async (t) => {
  const cutOff = await startService(t, { ...env, REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
  await titles()
  await cutOff.app.database.client.course.update({ where: { id }, data: { title: 'alone' } })
  const ms = await until(() => everywhere('alone'), 5000)
  // Before the sweepers would run by themselves.
  t.ok(ms < 250, `${ms} ms`)
})

t.test('a write during a Redis outage is acknowledged soon, and seen after it', async (t) => {
  await titles()
  await redis.kill()
  const [, ms] = await timed(() => client.course.update({ where: { id }, data: { title: 'eight' } }))
  t.ok(ms < 1500, `${ms} ms`)
  t.equal((await titles())[0], 'eight', 'its own process sees it at once')
  await redis.resume()
  await until(() => services.every(({ app }) => app.coherentCache.trusted), RECOVERED_MS)
  t.ok(await until(() => everywhere('eight'), BOUND_MS))
  await until(async () => (await outbox.depth()) === 0, RECOVERED_MS)
})

t.test('a service closes in time, with no unapplied row in the outbox', async (t) => {
  await second.app.database.client.course.update({ where: { id }, data: { title: 'nine' } })
  const [, ms] = await timed(() => second.app.close())
  t.ok(ms < 2000, `${ms} ms`)
  t.equal(await outbox.depth(), 0)
})
