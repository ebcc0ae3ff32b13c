import { Redis } from 'ioredis'
import t from 'tap'
import { bothWays, startReal } from '../support/both-ways.ts'
import { Course, ErrorBody, Health, parse } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { get, send } from '../support/http.ts'

/** How long the service may need to notice a lost or restored connection. */
const RECOVERY_MS = 8000

await bothWays(t, async (t, { url }) => {
  await t.test('/health/live answers ok', async (t) => {
    t.match(await get(Health, `${url}/health/live`), { status: 'ok' })
  })

  await t.test('/health/ready answers ok with the state of the database', async (t) => {
    t.match(await get(Health, `${url}/health/ready`), { status: 'ok', checks: { database: 'up' } })
  })

  await t.test('health is never cached', async (t) => {
    for (const path of ['/health/live', '/health/ready']) {
      const { headers } = await send(url + path)
      t.equal(headers.get('etag'), null, path)
      t.notOk(headers.get('cache-control')?.includes('public'), path)
    }
  })

  await t.test('/openapi.json is JSON, /docs/yaml is YAML, and both answer 304 to a matching ETag', async (t) => {
    for (const [path, type] of [
      ['/openapi.json', /^application\/json/],
      ['/docs/json', /^application\/json/],
      ['/docs/yaml', /^application\/yaml/]
    ] as const) {
      const { status, headers } = await send(url + path)
      t.equal(status, 200)
      t.match(headers.get('content-type'), type)
      t.equal(headers.get('cache-control'), 'public, no-cache')
      const again = await send(url + path, { headers: { 'if-none-match': headers.get('etag') ?? '' } })
      t.same([again.status, again.body], [304, ''], path)
    }
  })

  await t.test('metrics are gathered at most once a second', async (t) => {
    const texts = await Promise.all([1, 2, 3].map(async () => (await send(`${url}/metrics`)).body))
    t.equal(new Set(texts).size, 1)
    await until(async () => (await send(`${url}/metrics`)).body !== texts[0], RECOVERY_MS)
  })

  await t.test('/docs is a page whose assets all exist', async (t) => {
    const page = await send(`${url}/docs/`)
    t.equal(page.status, 200)
    t.match(page.headers.get('content-type'), /^text\/html/)
    const types: Record<string, RegExp> = {
      js: /^(text|application)\/javascript/,
      css: /^text\/css/,
      png: /^image\/png/
    }
    const assets = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, target]) => target ?? '')
    t.ok(assets.some((asset) => asset.endsWith('.js')) && assets.some((asset) => asset.endsWith('.css')))
    for (const asset of assets) {
      const answer = await send(new URL(asset, `${url}/docs/`).href)
      t.equal(answer.status, 200, asset)
      t.match(answer.headers.get('content-type'), types[asset.split('.').at(-1) ?? ''] ?? /^$/, asset)
      t.ok(answer.body.length > 0, asset)
    }
    t.same(JSON.parse((await send(`${url}/docs/json`)).body), JSON.parse((await send(`${url}/openapi.json`)).body))
  })

  await t.test('/docs/ leads to the page too, and no asset redirects', async (t) => {
    const response = await fetch(`${url}/docs/`)
    t.equal(response.status, 200)
    t.match(await response.text(), /swagger/i)
    for (const path of ['/docs/static/..%2f..%2fpackage.json', '/docs/static/%2e%2e/package.json']) {
      t.ok([400, 403, 404].includes((await send(url + path)).status), path)
    }
  })
})

t.test('when a dependency is down', async (t) => {
  const { url, redis, postgres } = await startReal(t)
  const ready = async () => {
    const { status, body } = await send(`${url}/health/ready`)
    return { httpStatus: status, ...parse(Health, body) }
  }
  /** Results of checks are shared for a second. */
  const becomes = (status: string) => until(async () => (await ready()).status === status, RECOVERY_MS)
  const course = (id: number) => send(`${url}/api/v1/courses/${id}`)
  t.match(await ready(), { httpStatus: 200, status: 'ok', checks: { database: 'up', redis: 'up' } })
  t.equal((await course(1)).status, 200)

  await t.test('without Redis the service is ready but degraded, and still answers', async (t) => {
    await redis.kill()
    await becomes('degraded')
    const down = { httpStatus: 200, status: 'degraded', checks: { database: 'up', redis: 'down' } }
    t.match(await ready(), down)
    for (const id of [1, 2]) {
      const { status, headers, body } = await course(id)
      t.equal(status, 200)
      t.match(headers.get('x-cache'), /^(HIT|MISS|STALE|BYPASS)$/)
      if (status === 200) t.equal(parse(Course, body).id, id)
    }
    t.equal((await send(`${url}/health/live`)).status, 200)
  })

  await t.test('once Redis is back the service is ok and caches', async (t) => {
    await redis.resume()
    await becomes('ok')
    await until(async () => (await course(3)).headers.get('x-cache') === 'HIT', RECOVERY_MS)
    t.match(await ready(), { httpStatus: 200, checks: { redis: 'up' } })
  })

  await t.test('a full Redis is degraded, with the reason', async (t) => {
    const client = new Redis(redis.url)
    t.teardown(() => client.disconnect())
    await client.config('SET', 'maxmemory', '1')
    await becomes('degraded')
    const reasons = ['redis: refuses writes: its memory is full']
    t.match(await ready(), { httpStatus: 200, checks: { redis: 'read-only' }, reasons })
    await client.config('SET', 'maxmemory', '0')
    await becomes('ok')
    t.same((await ready()).reasons, [])
  })

  await t.test('a Redis that hangs does not delay answers', async (t) => {
    redis.signal('SIGSTOP')
    t.teardown(() => redis.signal('SIGCONT'))
    await becomes('degraded')
    const start = performance.now()
    t.match(await ready(), { httpStatus: 200, status: 'degraded', checks: { redis: 'down' } })
    t.equal((await course(4)).status, 200)
    t.ok(performance.now() - start < 3000, `${performance.now() - start} ms`)
  })

  await t.test('without PostgreSQL the service is not ready: 503 with the checks', async (t) => {
    await until(async () => (await course(5)).headers.get('x-cache') === 'HIT', RECOVERY_MS)
    await postgres.shutDown()
    await becomes('down')
    t.match(await ready(), { httpStatus: 503, status: 'down', checks: { database: 'down', redis: 'up' } })
    t.equal((await send(`${url}/health/live`)).status, 200, 'the process is alive')
  })

  await t.test('without PostgreSQL cached answers are served, anything else is 503 with Retry-After', async (t) => {
    t.equal((await course(5)).status, 200)
    const { status, headers, body } = await course(6)
    t.equal(status, 503)
    t.match(headers.get('retry-after'), /^[1-9]\d*$/)
    t.match(parse(ErrorBody, body), { statusCode: 503, error: 'Service Unavailable' })
    t.notMatch(body, /prisma|127\.0\.0\.1|ECONNREFUSED/i, 'no internals')
  })

  await t.test('once PostgreSQL is back the service is ok again', async (t) => {
    await postgres.resume()
    await becomes('ok')
    t.equal((await course(6)).status, 200)
  })
})
