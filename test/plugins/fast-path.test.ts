import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { register } from '../support/actors.ts'
import { bothWays, startReal } from '../support/both-ways.ts'
import { plainClient } from '../support/caches.ts'
import { send, sendBytes } from '../support/http.ts'
import { startService } from '../support/service.ts'

/** What `ask` resolves to, and how many requests went the usual way, through Fastify, meanwhile. */
async function counted<T>(app: FastifyInstance, ask: () => Promise<T>): Promise<{ usual: number; answer: T }> {
  let usual = 0
  const { routing } = app
  app.routing = (...both) => {
    usual++
    routing(...both)
  }
  try {
    const answer = await ask()
    return { usual, answer }
  } finally {
    app.routing = routing
  }
}

/** What differs from one answer to the next, or belongs to the connection. */
const OWN = /^(x-request-id|x-response-time|server-timing|x-ratelimit-.*|date|connection|keep-alive)$/

function constant(headers: Iterable<[string, unknown]>): Record<string, string> {
  const kept = [...headers].filter(([name]) => !OWN.test(name)).map(([name, value]) => [name, String(value)])
  return Object.fromEntries(kept.sort())
}

/** Of all headers but those of the connection. */
const names = (all: Iterable<string>) => [...all].filter((name) => !/^(connection|keep-alive|date)$/.test(name)).sort()

bothWays(t, async (t, { app, url }) => {
  const course = '/api/v1/courses/1'
  const get = (path: string, headers: Record<string, string> = {}) => send(url + path, { headers })
  await get(course)
  const { headers } = await get(course)
  const etag = headers.get('etag') ?? ''

  await t.test('it answers, to the letter, what the usual way does', async (t) => {
    const { id } = await app.database.client.chapter.findFirstOrThrow({ where: { courseId: 1 } })
    const paths = [
      '/categories',
      '/categories/data',
      '/courses?level=beginner&limit=2',
      '/courses/1',
      '/courses/1/modules'
    ]
    for (const path of [...paths, `/courses/1/chapters/${id}`].map((path) => `/api/v1${path}`)) {
      const tag = (await get(path)).headers.get('etag') ?? ''
      for (const asked of [undefined, tag, `"x", W/${tag}`, '"x"']) {
        const headers: Record<string, string> = asked === undefined ? {} : { 'if-none-match': asked }
        const expected = await app.inject({ url: path, headers })
        const { usual, answer } = await counted(app, () => get(path, headers))
        t.equal(usual, 0, `${path} is fast`)
        t.same([answer.status, answer.body], [expected.statusCode, expected.body])
        t.same(constant(answer.headers), constant(Object.entries(expected.headers)))
        t.same(names(answer.headers.keys()), names(Object.keys(expected.headers)))
      }
    }
  })

  await t.test('what is not a plain GET of a visitor goes the usual way', async (t) => {
    const { cookie } = await register(url, 'ann')
    const line = `GET ${course} HTTP/1.1\r\n`
    const special: Record<string, [number, () => Promise<{ status: number }>]> = {
      'a HEAD': [200, () => send(url + course, { method: 'HEAD' })],
      'somebody who is signed in': [200, () => get(course, { cookie })],
      'another origin': [200, () => get(course, { origin: 'https://a.example' })],
      'HTTP/1.0': [200, () => sendBytes(url, `GET ${course} HTTP/1.0\r\n\r\n`)],
      'no Host': [400, () => sendBytes(url, `${line}Connection: close\r\n\r\n`)],
      'a connection that is to be closed': [200, () => sendBytes(url, `${line}Host: x\r\nConnection: close\r\n\r\n`)],
      'an empty Origin': [
        200,
        () => sendBytes(url, `${line}Host: x\r\nOrigin:\r\n\r\n${line}Host: x\r\nConnection: close\r\n\r\n`)
      ],
      'a connection that a proxy closes': [
        200,
        () => sendBytes(url, `${line}Host: x\r\nProxy-Connection: close\r\n\r\n`)
      ],
      'a body': [
        200,
        () => sendBytes(url, `${line}Host: x\r\nContent-Length: 2\r\n\r\n{}${line}Host: x\r\nConnection: close\r\n\r\n`)
      ],
      'another spelling of the URL': [200, () => get(`${course}?`)],
      'a query that the route does not know': [400, () => get(`${course}?x=1`)]
    }
    for (const [what, [status, ask]] of Object.entries(special)) {
      const { usual, answer } = await counted(app, ask)
      t.equal(answer.status, status, what)
      t.not(usual, 0, `${what} goes the usual way`)
    }
    for (const cookie of ['', 'theme=dark']) {
      t.equal((await counted(app, () => get(course, { cookie }))).usual, 0, 'a plain one is fast')
    }
  })

  await t.test('the next read after a write is of what was written, on either way', async (t) => {
    const { client } = app.database
    for (const title of ['One', 'Two', 'Three']) {
      await client.course.update({ where: { id: 1 }, data: { title } })
      t.match((await get(course)).body, `"title":"${title}"`)
      const { usual, answer } = await counted(app, () => get(course))
      t.match([usual, answer.body], [0, `"title":"${title}"`])
    }
    t.equal((await get(course, { 'if-none-match': etag })).status, 200, 'the tag of before is old')
    await client.course.update({ where: { id: 1 }, data: { status: 'draft' } })
    for (let i = 0; i < 3; i++) t.equal((await get(course)).status, 404)
    await client.course.update({ where: { id: 1 }, data: { status: 'published' } })
    t.equal((await get(course)).status, 200)
  })

  await t.test('requests in one packet are answered in their order', async (t) => {
    const paths = Array.from({ length: 60 }, (_, i) => `/api/v1/courses/${(i % 3) + 1}`)
    for (const path of paths) await get(path)
    const requests = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    const last = `GET ${course} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
    const { body } = await sendBytes(url, requests.join('') + last)
    const ids = [...body.matchAll(/^\{"id":(\d+),"slug"/gm)].map(([, id]) => Number(id))
    t.same(ids, [...paths.map((_, i) => (i % 3) + 1), 1])
  })

  await t.test('its Date moves on', async (t) => {
    const date = async () => Date.parse((await get(course)).headers.get('date') ?? '')
    const first = await date()
    await sleep(1100)
    const second = await date()
    t.ok(second > first)
    t.ok(Math.abs(Date.now() - second) < 2000)
  })

  await t.test('it is logged and counted as any other', async (t) => {
    const count = async () => {
      const { body } = await get('/metrics')
      const line = 'aikademiya_request_seconds_count{method="GET",route="/api/v1/courses/:id",status="304"}'
      return Number(
        body
          .split('\n')
          .find((text) => text.startsWith(line))
          ?.slice(line.length) ?? 0
      )
    }
    const tag = (await get(course)).headers.get('etag') ?? ''
    const before = await count()
    for (let i = 0; i < 3; i++) await get(course, { 'if-none-match': tag })
    t.equal(await count(), before + 3)
  })

  await t.test('hits are counted once, also where the usual way takes over', async (t) => {
    const hits = () => app.cacheParts.meter.of('course:2').memoryHits
    const gone = '/api/v1/courses/2'
    await get(gone)
    const before = hits()
    for (let i = 0; i < 3; i++) await get(gone)
    t.equal(hits(), before + 3)
    await app.database.client.course.update({ where: { id: 2 }, data: { status: 'draft' } })
    for (let i = 0; i < 3; i++) t.equal((await get(gone)).status, 404)
    t.equal(hits(), before + 5, 'of the fact that it is not there')
  })

  await t.test('a service that stops ends the connection with the answer', async (t) => {
    await get(course)
    const draining = app.drain()
    t.equal((await get(course)).headers.get('connection'), 'close')
    await draining
  })
})

t.test('at lease 0 every answer is confirmed by Redis', async (t) => {
  const { env, redis, app: other } = await startReal(t)
  const { app, url } = await startService(t, { ...env, SEED: 'none', CACHE_L1_LEASE_MS: '0', LOG_LEVEL: 'silent' })
  const course = `${url}/api/v1/courses/1`
  const title = async () => JSON.parse((await send(course)).body).title
  await title()
  t.equal((await counted(app, title)).usual, 0, 'the fast path asks Redis by itself')
  const late: string[] = []
  for (let i = 0; i < 50; i++) {
    await other.database.client.course.update({ where: { id: 1 }, data: { title: `Title ${i}` } })
    const seen = await Promise.all([title(), title(), title()])
    if (seen.some((text) => text !== `Title ${i}`)) late.push(`${seen} after ${i}`)
  }
  t.same(late, [], 'a write of another process is seen by the next read')
  await title()
  t.equal((await counted(app, title)).usual, 0)

  await redis.stop()
  t.equal(await title(), 'Title 49', 'without Redis the database answers')
})

t.test('a request is counted once, whichever way it is refused', async (t) => {
  const { env, redis, postgres } = await startReal(t)
  const { url } = await startService(t, {
    ...env,
    DATABASE_URL: await postgres.createDatabase(),
    RATE_LIMIT_ANONYMOUS: '3',
    REDIS_KEY_PREFIX: 'counted'
  })
  const course = `${url}/api/v1/courses/1`
  const answers = []
  for (let i = 0; i < 6; i++) answers.push(await send(course))
  t.same(
    answers.map(({ status, headers }) => [status, headers.get('x-ratelimit-remaining')]),
    [2, 1, 0].map((left): [number, string] => [200, `${left}`]).concat([0, 0, 0].map(() => [429, '0']))
  )
  t.equal(await plainClient(t, redis).get('counted:limit:ip:127.0.0.1'), '6')
})
