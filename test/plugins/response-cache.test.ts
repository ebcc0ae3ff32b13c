import t, { type Test } from 'tap'
import { bothWays } from '../support/both-ways.ts'
import type { Client } from '../support/courses.ts'
import { type Answer, send, sendBytes } from '../support/http.ts'

const lookups = ({ headers }: Answer) => ({
  cache: headers.get('x-cache'),
  hits: headers.get('x-cache-hits'),
  misses: headers.get('x-cache-misses')
})
const MISS = { cache: 'MISS', hits: '0', misses: '1' }
const HIT = { cache: 'HIT', hits: '1', misses: '0' }

/** Counts the reads of the course table while `task` runs: a view that counts replaces the table meanwhile. */
async function readsOfCourses(client: Client, task: () => Promise<void>): Promise<number> {
  const statements = [
    'create sequence if not exists course_reads',
    'alter table course rename to course_rows',
    `create view course as with read as materialized (select nextval('course_reads'))
     select course_rows.* from course_rows, read`
  ]
  for (const statement of statements) await client.$executeRawUnsafe(statement)
  try {
    await task()
  } finally {
    await client.$executeRawUnsafe('drop view course')
    await client.$executeRawUnsafe('alter table course_rows rename to course')
  }
  const [reads] = await client.$queryRaw<[{ count: number }]>`
    select last_value::int as count from course_reads where is_called`
  await client.$executeRawUnsafe('drop sequence course_reads')
  return reads.count
}

bothWays(t, async (t, { app, url }) => {
  const api = `${url}/api/v1`
  const course = (id: number) => `${api}/courses/${id}`
  const courses = (query: string) => `${api}/courses?${query}`
  const matching = (tag: string) => ({ headers: { 'If-None-Match': tag } })

  await t.test('two hundred concurrent cold requests load a course once', async (t) => {
    const { client } = app.database
    const one = await readsOfCourses(client, async () => void (await send(course(1))))
    t.ok(one > 0, 'a cold request reads the table')
    const many = await readsOfCourses(client, async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, () => send(course(2))))
      t.same([...new Set(answers.map(({ status }) => status))], [200])
      t.equal(new Set(answers.map(({ body }) => body)).size, 1)
      t.equal(new Set(answers.map(({ headers }) => headers.get('etag'))).size, 1)
    })
    t.equal(many, one)
    t.same(lookups(await send(course(2))), HIT)
  })

  await t.test('two hundred cold requests in four packets load a list once', async (t) => {
    const { client } = app.database
    const one = await readsOfCourses(client, async () => void (await send(courses('limit=61'))))
    t.ok(one > 0, 'a cold request reads the table')
    const many = await readsOfCourses(client, async () => {
      const request = 'GET /api/v1/courses?limit=62 HTTP/1.1\r\nHost: x\r\nConnection:'
      const packet = `${`${request} keep-alive\r\n\r\n`.repeat(49)}${request} close\r\n\r\n`
      for (const { status, body } of await Promise.all([1, 2, 3, 4].map(() => sendBytes(url, packet)))) {
        t.equal(status, 200)
        t.equal(body.split('HTTP/1.1 200 OK\r\n').length, 50, 'the other 49 answers follow')
      }
    })
    t.equal(many, one)
    t.same(lookups(await send(courses('limit=62'))), HIT)
  })

  await t.test('every catalogue route answers first a MISS, then a HIT with the same bytes', async (t) => {
    const chapter = await app.database.client.chapter.findFirstOrThrow({ where: { courseId: 8 } })
    const paths = ['/categories', '/categories/data', '/courses?level=advanced', '/courses/8', '/courses/8/modules']
    for (const path of [...paths, `/courses/8/chapters/${chapter.id}`]) {
      const miss = await send(api + path)
      const hit = await send(api + path)
      t.same(lookups(miss), MISS, path)
      t.same(lookups(hit), HIT, path)
      t.equal(hit.body, miss.body, path)
      for (const name of ['etag', 'content-type', 'cache-control', 'content-length']) {
        t.ok(hit.headers.get(name), `${path} has ${name}`)
        t.equal(hit.headers.get(name), miss.headers.get(name), `${path} ${name}`)
      }
      t.match(hit.headers.get('content-type'), /^application\/json/)
      t.match(hit.headers.get('etag'), /^(W\/)?"[\x21\x23-\x7e]+"$/, 'an entity tag of RFC 9110')
    }
  })

  const sharing: [string, ...string[]][] = [
    ['limit=5&sort=title', 'sort=title&limit=5'],
    ['', 'page=1', 'limit=20', 'sort=-createdAt', 'limit=20&sort=-createdAt&page=1'],
    ['search=PYTHON', 'search=python', 'search=%70ytHon&page=1'],
    ['search=ОСНОВЫ', 'search=основы', 'search=%D0%9E%D1%81%D0%BD%D0%BE%D0%B2%D1%8B'],
    ['search=with+redis', 'search=with%20redis'],
    ['language=RU&level=beginner', 'level=beginner&language=ru']
  ]
  for (const [first, ...others] of sharing) {
    await t.test(`?${first} shares its entry with ${others.join(', ')}`, async (t) => {
      const miss = await send(courses(first))
      t.same(lookups(miss), MISS, first)
      for (const query of others) {
        const hit = await send(courses(query))
        t.same(lookups(hit), HIT, query)
        t.equal(hit.body, miss.body, query)
      }
    })
  }

  await t.test('queries with different meanings share no entry', async (t) => {
    const queries = [
      'limit=1',
      'limit=11',
      'limit=1&page=2',
      'limit=1&search=a',
      'limit=1&search=1',
      'limit=1&author=1'
    ]
    for (const query of queries) t.same(lookups(await send(courses(query))), MISS, query)
  })

  const unchanged = async (t: Test, target: string, tag: string, etag: string | null) => {
    const answer = await send(target, matching(tag))
    t.equal(answer.status, 304, tag)
    t.equal(answer.body, '', tag)
    t.equal(answer.headers.get('etag'), etag, tag)
    t.ok(answer.headers.get('cache-control'), tag)
    t.match(answer.headers.get('x-response-time'), /^\d+\.\d{3}ms$/, tag)
    t.ok(answer.headers.get('x-request-id'), tag)
    return answer
  }

  await t.test('If-None-Match with the current ETag, in any valid notation, is 304 without a body', async (t) => {
    const etag = (await send(course(4))).headers.get('etag') ?? ''
    const opaque = etag.replace(/^W\//, '')
    for (const tag of [etag, `W/${opaque}`, opaque, `"a", ${opaque}`, `"a",W/${opaque},"b"`, `${opaque} , "b"`, '*']) {
      t.same(lookups(await unchanged(t, course(4), tag, etag)), HIT, tag)
    }
  })

  await t.test('If-None-Match with any other ETag is 200 with the body', async (t) => {
    const { body, headers } = await send(course(4))
    const opaque = (headers.get('etag') ?? '').replace(/^W\//, '')
    for (const tag of [
      '"a"',
      opaque.slice(1, -1),
      opaque.toUpperCase(),
      `"${opaque}"`,
      `${opaque.slice(0, -1)}!"`,
      ''
    ]) {
      const answer = await send(course(4), matching(tag))
      t.equal(answer.status, 200, tag)
      t.equal(answer.body, body, tag)
    }
  })

  await t.test('a MISS can answer 304, and the next answer is a HIT', async (t) => {
    const cold = await send(course(5), matching('*'))
    t.equal(cold.status, 304)
    t.same(lookups(cold), MISS)
    const warm = await send(course(5))
    t.same(lookups(warm), HIT)
    t.equal(warm.headers.get('etag'), cold.headers.get('etag'))
  })

  await t.test('HEAD answers as GET does, without the body', async (t) => {
    const cold = await send(course(7), { method: 'HEAD' })
    t.same(lookups(cold), MISS)
    const get = await send(course(7))
    const head = await send(course(7), { method: 'HEAD' })
    t.same(lookups(head), HIT)
    t.equal(head.body, '')
    for (const name of ['etag', 'content-type', 'cache-control']) {
      t.equal(head.headers.get(name), get.headers.get(name), name)
      t.equal(cold.headers.get(name), get.headers.get(name), name)
    }
    t.equal(head.headers.get('content-length'), get.headers.get('content-length'))
    const tag = get.headers.get('etag') ?? ''
    t.equal((await send(course(7), { method: 'HEAD', ...matching(tag) })).status, 304)
  })

  await t.test('a missing course is 404 even with If-None-Match: *', async (t) => {
    for (const attempt of ['first', 'second']) {
      const answer = await send(course(999_999), matching('*'))
      t.equal(answer.status, 404, attempt)
      t.equal(answer.headers.get('etag'), null, attempt)
    }
  })
})
