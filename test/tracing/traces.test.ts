import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Actor, ADMIN, peopleEnvironment, signIn } from '../support/actors.ts'
import { Collector, type ReceivedSpan } from '../support/collector.ts'
import { until } from '../support/eventually.ts'
import { ModelServer } from '../support/model-server.ts'
import { freePort } from '../support/port.ts'
import { PostgresServer } from '../support/postgres.ts'
import { RedisServer } from '../support/redis.ts'
import { ownNode } from '../support/server-process.ts'
import { script, spawnService, temporaryFolder } from '../support/service.ts'

const PARENT = '00f067aa0ba902b7'
const TITLE = 'A title that nobody else needs to know'
/** Reports each import of an OpenTelemetry package, except its API, which other libraries load. */
const WATCH_IMPORTS = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  registerHooks({ resolve: (name, context, next) => {
    const found = next(name, context)
    if (/@opentelemetry\\/(?!api\\/)|@fastify\\/otel|@prisma\\/instrumentation/.test(found.url)) console.error('loaded ' + found.url)
    return found
  } })`)}`

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
const redis = await RedisServer.start()
t.teardown(() => redis.stop())
const environment = {
  ...peopleEnvironment,
  DATABASE_URL: await postgres.createDatabase('seeded'),
  REDIS_URL: redis.url,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json'
}
let traces = 0

/** The `traceparent` header of a new trace, and its id. */
function newTrace(): { traceId: string; traceparent: string } {
  const traceId = (++traces).toString(16).padStart(32, 'a')
  return { traceId, traceparent: `00-${traceId}-${PARENT}-01` }
}

t.test('a trace shows look-up, load, database, invalidation, refill and generation', async (t) => {
  const collector = await Collector.start()
  t.teardown(() => collector.stop())
  const model = await ModelServer.start(t)
  const headers = join(await temporaryFolder(t), 'headers')
  await writeFile(headers, 'Authorization=Bearer%20hunter2\n')
  const service = await spawnService({
    ...environment,
    ...model.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS_FILE: headers,
    OTEL_SERVICE_NAME: 'academy',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging'
  })
  t.teardown(() => service.kill('SIGKILL'))
  const visitor = new Actor(service.url)
  const admin = await signIn(service.url, ADMIN.email, ADMIN.password)
  const traced = async (actor: Actor, method: string, path: string, body?: unknown) => {
    const { traceId, traceparent } = newTrace()
    const answer = await actor.request(method, `/api/v1${path}`, body, { traceparent })
    await answer.text()
    return { traceId, status: answer.status }
  }

  const miss = await traced(visitor, 'GET', '/courses/1?utm_source=aka_secret')
  const hit = await traced(visitor, 'GET', '/courses/1')
  const change = await traced(admin, 'PATCH', '/courses/1', { title: TITLE })
  const profile = await traced(admin, 'PATCH', '/users/me', { bio: TITLE })
  const wrong = await traced(visitor, 'POST', '/auth/login', { email: 'a@b.example', password: 'hunter2hunter2' })
  const unknown = await traced(visitor, 'GET', '/nothing')
  const generation = { topic: 'Chess', level: 'beginner', language: 'en', modules: 1, chaptersPerModule: 1 }
  const queued = await traced(admin, 'POST', '/generation', generation)
  t.same(
    [miss, hit, change, profile, wrong, unknown, queued].map(({ status }) => status),
    [200, 200, 200, 200, 401, 404, 202]
  )
  await visitor.get('/health/ready')
  await visitor.get('/metrics')
  await until(() => service.output().includes('generation completed'), 10_000)
  t.equal(await service.kill('SIGTERM'), 0)

  const treeOf = ({ traceId }: { traceId: string }) => collector.tree(traceId)
  const rootOf = ({ traceId }: { traceId: string }) =>
    collector.spans.find((span) => span.traceId === traceId && span.parentSpanId === PARENT)

  await t.test('a trace of a miss', async (t) => {
    checkTree(t, treeOf(miss), [
      'GET /api/v1/courses/:id  200',
      '  cache look-up  course  miss',
      '    redis getrange',
      '  cache load  course  loaded',
      '    prisma:client:operation',
      '      prisma:client:db_query',
      '        pg-pool.connect',
      '        pg.query SELECT',
      '    redis set'
    ])
    t.match(rootOf(miss)?.attributes, { 'url.path': '/api/v1/courses/1', 'url.query': 'utm_source=aka_[hidden]' })
  })

  await t.test('a trace of a hit, which queries neither Redis nor the database', async (t) => {
    checkTree(t, treeOf(hit), ['GET /api/v1/courses/:id  200', '  cache look-up  course  l1'])
    t.notMatch(treeOf(hit), /cache load|pg\.query/)
  })

  await t.test('a trace of a write: the invalidation ends before the COMMIT is acknowledged', async (t) => {
    const commit = ['    prisma:client:commit_transaction', '        cache invalidate']
    checkTree(t, treeOf(change), [
      'PATCH /api/v1/courses/:id  200',
      '  prisma:client:transaction',
      '        pg.query UPDATE',
      ...commit,
      '          redis publish'
    ])
    checkTree(t, treeOf(profile), [...commit, '  cache look-up  user  miss', '  cache load  user  loaded'])
  })

  await t.test('a trace of a generation: the run and its model calls belong to the trace of the request', async (t) => {
    checkTree(t, treeOf(queued), [
      'POST /api/v1/generation  202',
      '    send generation',
      '      process generation',
      '              cache invalidate',
      '        POST  200'
    ])
  })

  await t.test('log lines have the trace id', async (t) => {
    for (const request of [miss, hit, change, unknown]) {
      const line = logOf(service.output()).find(({ msg, traceId }) => msg === 'request' && traceId === request.traceId)
      t.equal(line?.spanId, rootOf(request)?.spanId)
    }
    const ended = logOf(service.output()).find(({ msg }) => msg === 'generation completed')
    t.equal(ended?.traceId, queued.traceId)
  })

  await t.test('traces have the service name of OTEL_*, and no secrets or operator routes', async (t) => {
    t.match(collector.spans[0]?.resource, {
      'service.name': 'academy',
      'service.version': /^\d/,
      'deployment.environment.name': 'staging'
    })
    t.equal(collector.headers.authorization, 'Bearer hunter2')
    const routes = new Set(collector.spans.map(({ attributes }) => attributes['http.route']))
    t.notOk(routes.has('/health/ready') || routes.has('/metrics'))
    t.strictSame(rootsOf(collector.spans), [], 'background work makes no traces, except for invalidations')
    t.notOk(
      collector.spans.some(({ attributes }) => attributes['url.path'] === '/v1/traces'),
      'exporting traces makes none either'
    )
    const session = admin.cookie.split('=')[1] ?? ''
    for (const secret of [
      'hunter2',
      'a@b.example',
      ADMIN.password,
      TITLE,
      session,
      'aka_secret',
      model.env.LLM_API_KEY
    ]) {
      t.notOk(collector.sent.includes(secret), secret)
    }
  })
})

t.test('an unreachable collector is one log line, and one more once it is reachable', async (t) => {
  const port = await freePort()
  const service = await spawnService({
    ...environment,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: '',
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
    OTEL_BSP_SCHEDULE_DELAY: '20'
  })
  t.teardown(() => service.kill('SIGKILL'))
  const lines = () => logOf(service.output()).filter(({ msg }) => msg?.startsWith('traces '))
  const ask = () => fetch(`${service.url}/api/v1/courses/1`)
  await until(async () => (await ask()).ok && lines().length > 0, 10_000)
  for (let i = 0; i < 10; i++) t.equal((await ask()).status, 200)
  const collector = await Collector.start(port)
  t.teardown(() => collector.stop())
  await until(async () => (await ask()).ok && lines().length > 1, 10_000)
  t.equal(await service.kill('SIGTERM'), 0)
  t.match(lines(), [{ level: 40, err: { message: /ECONNREFUSED/ }, msg: /OTEL_EXPORTER_OTLP_ENDPOINT/ }, { level: 30 }])
  t.equal(lines().length, 2)
  t.match(collector.sent, 'cache look-up', 'as protobuf')
})

t.test('without an endpoint OpenTelemetry is not loaded, and the trace id of a client is logged', async (t) => {
  const command = [...ownNode, '--import', WATCH_IMPORTS, script('src/server.ts')] as const
  const off = { ...environment, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' }
  const service = await spawnService(off, undefined, command)
  t.teardown(() => service.kill('SIGKILL'))
  const visitor = new Actor(service.url)
  const named: (string | undefined)[] = []
  for (let i = 0; i < 4; i++) {
    const { traceId, traceparent } = newTrace()
    await visitor.get('/api/v1/courses/1', { traceparent })
    named.push(traceId)
  }
  for (const traceparent of [`00-${'0'.repeat(32)}-${PARENT}-01`, `ff-${'a'.repeat(32)}-${PARENT}-01`, 'x']) {
    await visitor.get('/api/v1/courses/1', { traceparent })
    named.push(undefined)
  }
  t.equal(await service.kill('SIGTERM'), 0)
  t.notMatch(service.output(), /^loaded /m)
  const requests = logOf(service.output()).filter(({ msg }) => msg === 'request')
  t.strictSame(
    requests.map(({ traceId }) => traceId),
    named,
    'on the normal path and the front door'
  )
  t.notMatch(requests, [{ spanId: /./ }])
})

/** Checks that the tree contains these lines in this order; times are ignored. */
function checkTree(t: Test, tree: string, lines: readonly string[]): void {
  const rest = tree.split('\n')
  for (const line of lines) {
    const at = rest.findIndex((other) => other.startsWith(line))
    if (at === -1) return void t.fail(`missing, or not after the previous line: ${line}`, { tree })
    rest.splice(0, at + 1)
  }
  t.pass(`${lines[0]} and the following lines`)
}

/**
 * The names of root spans, except those of requests without `traceparent` and of invalidations of writes from outside.
 */
function rootsOf(spans: readonly ReceivedSpan[]): string[] {
  const names = spans.filter(({ parentSpanId = '' }) => parentSpanId === '').map(({ name }) => name)
  return names.filter((name) => !/^(POST|cache invalidate)/.test(name))
}

interface Line {
  readonly msg?: string
  readonly level?: number
  readonly traceId?: string
  readonly spanId?: string
}

function logOf(output: string): Line[] {
  return output.split('\n').flatMap((line): Line[] => (line.startsWith('{') ? [JSON.parse(line)] : []))
}
