import { join } from 'node:path'
import t from 'tap'
import { CategoryList, CoursePage, Health } from './support/contract.ts'
import { get } from './support/http.ts'
import { RedisServer } from './support/redis.ts'
import { spawnService, temporaryFolder } from './support/service.ts'

const folder = await temporaryFolder(t)
const DATA_DIR = join(folder, 'data')
const redis = await RedisServer.start('--requirepass', 'open-sesame')
t.teardown(() => redis.stop())

const catalogue = async (url: string) => [
  await get(CategoryList, `${url}/api/v1/categories`),
  await get(CoursePage, `${url}/api/v1/courses?limit=100`)
]

t.test('with only a folder the service starts, serves the demo catalogue, and keeps its data', async (t) => {
  const first = await spawnService({ DATA_DIR })
  const served = await catalogue(first.url)
  t.match(await get(Health, `${first.url}/health/ready`), { status: 'ok', checks: { redis: 'embedded' } })
  t.equal(await first.kill('SIGTERM'), 0, 'SIGTERM exits with 0')

  const second = await spawnService({ DATA_DIR })
  await get(Health, `${second.url}/health/ready`)
  t.strictSame(await catalogue(second.url), served, 'the same rows, ids and times')
  t.equal(await second.kill('SIGINT'), 0, 'SIGINT exits with 0')
  t.notMatch(second.output(), /seeded|shown this once/)
  t.match(
    second.output(),
    /"version":"[\d.]+","node":"v\d+[\d.]+","role":"api","database":"PostgreSQL \d+\S+, embedded","redis":"none","msg":"ready"/
  )
  t.notMatch(second.output(), '/health/ready', 'health requests are logged at debug level')
})

t.test('with a Redis that does not answer the service still starts', async (t) => {
  await redis.kill()
  const service = await spawnService({ DATA_DIR, REDIS_URL: `redis://:open-sesame@127.0.0.1:${redis.port}` })
  t.teardown(() => service.kill('SIGKILL'))
  const readiness = () => get(Health, `${service.url}/health/ready`)

  await t.test('answers public reads', async (t) => {
    const [categories, courses] = await catalogue(service.url)
    t.ok(categories?.items.length)
    t.ok(courses?.items.length)
  })

  await t.test('reports itself degraded, but ready', async (t) => {
    t.match(await readiness(), { status: 'degraded', checks: { database: 'up', redis: 'down' } })
    t.match(await get(Health, `${service.url}/health/live`), { status: 'ok' })
  })

  await t.test('uses Redis as soon as it is up', async (t) => {
    await redis.resume()
    const deadline = performance.now() + 5000
    while ((await readiness()).status !== 'ok' && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    t.match(await readiness(), { status: 'ok', checks: { redis: 'up' } })
  })

  t.equal(await service.kill('SIGTERM'), 0)
  t.notMatch(service.output(), 'open-sesame', 'its password is in no log line')
})

t.test('with a wrong Redis password the service starts degraded, and does not log the password', async (t) => {
  const service = await spawnService({ DATA_DIR, REDIS_URL: `redis://:hunter2@127.0.0.1:${redis.port}` })
  t.teardown(() => service.kill('SIGKILL'))
  t.match(await get(Health, `${service.url}/health/ready`), { status: 'degraded', checks: { redis: 'down' } })
  t.equal(await service.kill('SIGTERM'), 0)
  t.match(service.output(), 'REDIS_URL', 'the log names the variable')
  t.notMatch(service.output(), 'hunter2')
  t.match(service.output(), 'set SESSION_SECRET', 'another process on this Redis would not accept its sessions')
})
