import t from 'tap'
import { Actor, ADMIN, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { until } from '../support/eventually.ts'
import { statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const FRESH_MS = 5000

t.test('with METRICS_TOKEN the metrics need that token', async (t) => {
  const { url } = await startService(t, { METRICS_TOKEN: 'token-of-prometheus' })
  const ask = async (authorization?: string) => {
    const answer = await fetch(`${url}/metrics`, authorization === undefined ? {} : { headers: { authorization } })
    await answer.arrayBuffer()
    return [answer.status, answer.headers.get('www-authenticate')]
  }
  const refused = [401, 'Bearer realm="AI Akademiya", error="invalid_token"']
  t.same(await ask('Bearer token-of-prometheus'), [200, null])
  for (const given of [undefined, 'Bearer', 'Bearer token-of-prometheu', 'Basic token-of-prometheus'])
    t.same(await ask(given), refused)
  t.equal(await statusOf(fetch(`${url}/health/ready`)), 200)
})

t.test('metrics for Prometheus', async (t) => {
  const { url, app } = await startService(t, { ...peopleEnvironment, RATE_LIMIT_USER: '3' })
  const visitor = new Actor(url)
  let last = ''
  /** Waits for newly gathered metrics, which are shared for a second: the CPU time of the process shows when they are new. */
  const scrape = async () => {
    const before = last
    await until(async () => {
      const answer = await visitor.get('/metrics')
      t.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
      last = await answer.text()
      return last !== before
    }, FRESH_MS)
    return last
  }
  const readingOf = (text: string, metric: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${metric} `))
        ?.slice(metric.length)
    )

  await t.test('count reads by prefix and tier, requests by route and status', async (t) => {
    for (const path of ['1', '1', '1', '999999', 'x']) await statusOf(visitor.get(`/api/v1/courses/${path}`))
    await statusOf(visitor.get('/nowhere/at/all'))
    const text = await scrape()
    const course = 'aikademiya_request_seconds_count{method="GET",route="/api/v1/courses/:id"'
    t.equal(readingOf(text, `${course},status="200"}`), 3)
    t.equal(readingOf(text, `${course},status="404"}`), 1)
    t.equal(readingOf(text, `${course},status="400"}`), 1)
    t.equal(readingOf(text, 'aikademiya_request_seconds_count{method="GET",route="none",status="404"}'), 1)
    t.equal(readingOf(text, 'aikademiya_cache_hits_total{prefix="course",tier="memory"}'), 2)
    t.equal(readingOf(text, 'aikademiya_cache_misses_total{prefix="course"}'), 2)
    t.equal(readingOf(text, 'aikademiya_cache_loads_total{prefix="course"}'), 2)
    t.equal(readingOf(text, 'aikademiya_redis_trusted'), 1)
    t.ok(readingOf(text, 'aikademiya_l1_bytes') > 0)
    t.ok(readingOf(text, 'process_resident_memory_bytes') > 0)
    t.notMatch(text, /nowhere/, 'no label has text from a client')
  })

  await t.test('count invalidations, sessions, generations and refused requests', async (t) => {
    const ann = await register(url, 'ann')
    await app.database.client.course.update({ where: { id: 1 }, data: { title: 'T' } })
    const brief = { topic: 'Chess', level: 'beginner', language: 'en', modules: 1, chaptersPerModule: 1 }
    t.equal(await statusOf(ann.request('POST', '/api/v1/generation', brief)), 202)
    for (let i = 0; i < 4; i++) await statusOf(ann.get('/api/v1/users/me'))
    const text = await scrape()
    t.ok(readingOf(text, 'aikademiya_cache_invalidations_total') >= 1)
    t.equal(readingOf(text, 'aikademiya_sessions_begun_total'), 1)
    t.ok(readingOf(text, 'aikademiya_rate_limited_requests_total') >= 1)
    const byStatus = ['queued', 'running', 'completed'].map((status) =>
      readingOf(text, `aikademiya_generations{status="${status}"}`)
    )
    t.equal(
      byStatus.reduce((sum, count) => sum + count, 0),
      1
    )
    t.equal(readingOf(text, 'aikademiya_sweeper_lag_seconds') < 1, true)
  })

  await t.test('admins receive the cache report as a stream', async (t) => {
    const boss = await signIn(url, ADMIN.email, ADMIN.password)
    const gone = new AbortController()
    const answer = await fetch(`${url}/api/v1/admin/cache/events`, {
      headers: { cookie: boss.cookie },
      signal: gone.signal
    })
    t.match(answer.headers.get('content-type'), 'text/event-stream')
    const first = await answer.body?.getReader().read()
    t.match(new TextDecoder().decode(first?.value), /^event: report\ndata: \{"at":/)
    gone.abort()
    t.equal(await statusOf(visitor.get('/api/v1/admin/cache/events')), 401)
  })
})
