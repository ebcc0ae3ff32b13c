import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Actor, register } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'
import { type Answer, send, sendBytes } from '../support/http.ts'
import { NormalPath } from '../support/normal-path.ts'

/** Headers that differ between answers or belong to the connection. */
const VARYING = /^(x-request-id|x-response-time|server-timing|date|connection|keep-alive)$/

function constant(headers: Iterable<[string, unknown]>): Record<string, string> {
  const kept = [...headers].filter(([name]) => !VARYING.test(name)).map(([name, value]) => [name, String(value)])
  return Object.fromEntries(kept.sort())
}

/** The names of all headers except those of the connection. */
const names = (all: Iterable<string>) => [...all].filter((name) => !/^(connection|keep-alive|date)$/.test(name)).sort()

const path = new NormalPath()
const ways = { env: { FRONT_DOOR: 'on' }, extension: { extend: path.extend } }
bothWays(
  t,
  async (t, { app, url }) => {
    const course = '/api/v1/courses/1'
    // Uncompressed: test/plugins/compression.test.ts covers the other encodings.
    const get = (path: string, headers: Record<string, string> = {}) =>
      send(url + path, { headers: { 'accept-encoding': 'identity', ...headers } })
    await get(course)
    const { headers } = await get(course)
    const etag = headers.get('etag') ?? ''

    await t.test('the front door answers byte for byte what the normal path does', async (t) => {
      const { id } = await app.database.client.chapter.findFirstOrThrow({ where: { courseId: 1 } })
      const { slug } = await app.database.client.category.findFirstOrThrow()
      const paths = [
        '/categories',
        `/categories/${slug}`,
        '/courses?level=beginner&limit=2',
        '/courses/1',
        '/courses/1/modules',
        `/courses/1/chapters/${id}`,
        '/stats'
      ]
      for (const target of paths.map((path) => `/api/v1${path}`)) {
        await get(target)
        const tag = (await get(target)).headers.get('etag') ?? ''
        await get(target, { 'if-none-match': tag })
        for (const asked of [undefined, tag, `"x", W/${tag}`, '*', '"x"']) {
          const headers: Record<string, string> = asked === undefined ? {} : { 'if-none-match': asked }
          const expected = await app.inject({ url: target, headers })
          const { normal, answer } = await path.during(() => get(target, headers))
          t.equal(normal, 0, `the front door answers ${target} ${asked}`)
          t.same([answer.status, answer.body], [expected.statusCode, expected.body])
          t.same(constant(answer.headers), constant(Object.entries(expected.headers)))
          t.same(names(answer.headers.keys()), names(Object.keys(expected.headers)))
        }
      }
    })

    await t.test('every request except a plain GET of a visitor takes the normal path', async (t) => {
      const { cookie } = await register(url, 'ann')
      const line = `GET ${course} HTTP/1.1\r\n`
      const last = `${line}Host: x\r\nConnection: close\r\n\r\n`
      const special: Record<string, [number, () => Promise<{ status: number }>]> = {
        'a HEAD': [200, () => send(url + course, { method: 'HEAD' })],
        'a signed-in user': [200, () => get(course, { cookie })],
        'a signed-in user, with a space in the cookie': [
          200,
          () => get(course, { cookie: cookie.replace('sid=', 'sid =') })
        ],
        'a cookie that may be a session': [200, () => get(course, { cookie: 'theme=dark; sid=unknown' })],
        'another origin': [200, () => get(course, { origin: 'https://a.example' })],
        'an access token': [401, () => get(course, { authorization: 'Bearer x' })],
        'another Authorization': [200, () => get(course, { authorization: 'Basic eDp4' })],
        'HTTP/1.0': [200, () => sendBytes(url, `GET ${course} HTTP/1.0\r\nHost: x\r\n\r\n`)],
        'no Host': [400, () => sendBytes(url, `${line}Connection: close\r\n\r\n`)],
        'an empty Origin': [200, () => sendBytes(url, `${line}Host: x\r\nOrigin:\r\nConnection: close\r\n\r\n`)],
        'a body': [200, () => sendBytes(url, `${line}Host: x\r\nContent-Length: 2\r\n\r\n{}${last}`)],
        'a body in chunks': [
          200,
          () => sendBytes(url, `${line}Host: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n${last}`)
        ],
        'an expectation': [
          417,
          () => sendBytes(url, `${line}Host: x\r\nExpect: miracles\r\nConnection: close\r\n\r\n`)
        ],
        'a query that the route does not know': [400, () => get(`${course}?x=1`)],
        'a route that is not cached': [200, () => get('/health/live')],
        'a missing course': [404, () => get('/api/v1/courses/999999')]
      }
      for (const [what, [status, ask]] of Object.entries(special)) {
        await ask()
        const { normal, answer } = await path.during(ask)
        t.equal(answer.status, status, what)
        t.not(normal, 0, `${what} takes the normal path`)
      }
      t.equal(
        (await path.during(() => sendBytes(url, last))).normal,
        0,
        'Connection: close does not need the normal path'
      )
      const another = await path.during(() => get(`${course}?`))
      t.same([another.normal, another.answer.status], [1, 200], 'another spelling of the URL is another URL')
      for (const cookie of ['', 'theme=dark', 'sidebar=1']) {
        t.equal(
          (await path.during(() => get(course, { cookie }))).normal,
          0,
          `the cookie ${cookie} does not need the normal path`
        )
      }
    })

    await t.test('the answer to a signed-in user is not recorded', async (t) => {
      const ben = await register(url, 'ben')
      const target = '/api/v1/courses/9'
      for (let i = 0; i < 3; i++) t.equal((await ben.get(target)).status, 200)
      // The front door answers only after it has recorded two answers of the normal path.
      for (let i = 0; i < 2; i++) {
        const { normal, answer } = await path.during(() => get(target))
        t.same([normal, answer.status], [1, 200])
        t.equal(answer.headers.get('cache-control'), 'public, no-cache')
      }
      const next = await path.during(() => get(target))
      t.same([next.normal, next.answer.headers.get('cache-control')], [0, 'public, no-cache'])
    })

    await t.test('the next read after a write sees the write, on either path', async (t) => {
      const { client } = app.database
      for (const title of ['One', 'Two', 'Three']) {
        await client.course.update({ where: { id: 1 }, data: { title } })
        for (const cache of ['MISS', 'HIT', 'HIT']) {
          const answer = await get(course)
          t.match(answer.body, `"title":"${title}"`)
          t.equal(answer.headers.get('x-cache'), cache)
        }
        const { normal, answer } = await path.during(() => get(course))
        t.match([normal, answer.body], [0, `"title":"${title}"`])
      }
      const old = await path.during(() => get(course, { 'if-none-match': etag }))
      t.same([old.normal, old.answer.status], [0, 200], 'the previous ETag no longer matches')
      t.equal(old.answer.headers.get('etag'), (await app.inject(course)).headers.etag, 'the answer has the new ETag')
      await client.course.update({ where: { id: 1 }, data: { status: 'draft' } })
      for (let i = 0; i < 3; i++) t.equal((await get(course)).status, 404)
      await client.course.update({ where: { id: 1 }, data: { status: 'published' } })
      for (let i = 0; i < 3; i++) t.equal((await get(course)).status, 200)
    })

    await t.test('pipelined requests are answered in order, whichever path each takes', async (t) => {
      const ids = Array.from({ length: 60 }, (_, i) => (i % 3) + 1)
      for (const id of ids.slice(0, 12)) await get(`/api/v1/courses/${id}`)
      const requests = ids.map((id, i) => {
        const special = i % 5 === 0 ? 'Authorization: x\r\n' : ''
        return `GET /api/v1/courses/${id} HTTP/1.1\r\nHost: x\r\n${special}\r\n`
      })
      const last = `GET ${course} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
      const { normal, answer } = await path.during(() => sendBytes(url, requests.join('') + last))
      t.same(idsIn(answer), [...ids, 1])
      t.equal(normal, 12, 'every fifth of 60')
    })

    await t.test('the Date header advances', async (t) => {
      const date = async () => Date.parse((await get(course)).headers.get('date') ?? '')
      const first = await date()
      await sleep(1100)
      const { normal, answer: second } = await path.during(date)
      t.equal(normal, 0)
      t.ok(second > first)
      t.ok(Math.abs(Date.now() - second) < 2000)
    })

    await t.test('the metrics count answers of the front door like any other', async (t) => {
      const line = 'aikademiya_request_seconds_count{method="GET",route="/api/v1/courses/:id",status="304"}'
      const count = async () => {
        const lines = (await app.metrics.metrics()).split('\n')
        return Number(lines.find((text) => text.startsWith(line))?.slice(line.length) ?? 0)
      }
      const tag = (await get(course)).headers.get('etag') ?? ''
      const matching = () => get(course, { 'if-none-match': tag })
      for (let i = 0; i < 2; i++) await matching()
      const before = await count()
      for (let i = 0; i < 3; i++) t.equal((await path.during(matching)).normal, 0)
      t.equal(await count(), before + 3)
    })

    await t.test('a hit is counted once, even where the normal path takes over', async (t) => {
      const hits = () => app.cacheParts.meter.of('course:2').memoryHits
      const other = '/api/v1/courses/2'
      await get(other)
      await get(other)
      const before = hits()
      for (let i = 0; i < 3; i++) await get(other)
      t.equal(hits(), before + 3)
      await app.database.client.course.update({ where: { id: 2 }, data: { status: 'draft' } })
      for (let i = 0; i < 3; i++) t.equal((await get(other)).status, 404)
      t.equal(hits(), before + 5, 'hits on the negative entry count too')
    })

    await t.test('a stopping service closes the connection after the answer', async (t) => {
      await get(course)
      t.equal((await path.during(() => get(course))).normal, 0)
      const draining = app.drain()
      const { normal, answer } = await path.during(() => new Actor(url).get(course))
      t.same([normal, answer.headers.get('connection')], [1, 'close'])
      await draining
    })
  },
  ways
)

/** The ids of the courses in several answers, in order. */
function idsIn({ body }: Answer): number[] {
  return [...body.matchAll(/^\{"id":(\d+),"slug"/gm)].map(([, id]) => Number(id))
}
