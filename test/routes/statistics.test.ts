import t from 'tap'
import { bothWays } from '../support/both-ways.ts'
import { parse, Statistics } from '../support/contract.ts'
import { addCourse, type Client } from '../support/courses.ts'
import { get, send } from '../support/http.ts'

const MINUTE_MS = 60_000

/** Enrolls new students in a course; the first has completed its chapter. */
async function enroll(client: Client, course: { id: number; chapterId: number }, students: number): Promise<void> {
  for (let n = 0; n < students; n++) {
    const email = `student-${n}-of-${course.id}@example.org`
    const { id: userId } = await client.user.create({ data: { email, name: 'S', passwordHash: '' } })
    await client.enrollment.create({ data: { userId, courseId: course.id } })
    const completion = { userId, courseId: course.id, chapterId: course.chapterId }
    if (n === 0) await client.chapterCompletion.create({ data: completion })
  }
}

bothWays(t, async (t, { app, url }) => {
  const { client } = app.database
  const stats = `${url}/api/v1/stats`
  const before = await get(Statistics, stats)
  const cleared = () => app.coherentCache.delete(['stats:overview'])

  await t.test('the statistics match the database', async (t) => {
    await cleared()
    // More students than any course of the demo has.
    const most = (before.topCourses[0]?.enrollments ?? 0) + 1
    const first = await addCourse(client, { slug: 'first', title: 'First' })
    const second = await addCourse(client, { slug: 'second', title: 'Second' })
    const third = await addCourse(client, { slug: 'third', title: 'Third' })
    const draft = await addCourse(client, { slug: 'draft', title: 'A secret', status: 'draft' })
    await enroll(client, third, most + 1)
    await enroll(client, second, most)
    await enroll(client, first, most)
    await enroll(client, draft, most + 2)

    const { status, body } = await send(stats)
    t.equal(status, 200)
    const students = 4 * most + 3
    const after = parse(Statistics, body)
    t.match(after, {
      courses: before.courses + 4,
      publishedCourses: before.publishedCourses + 3,
      users: before.users + students,
      enrollments: before.enrollments + students,
      completedChapters: before.completedChapters + 4
    })
    t.equal(after.topCourses.length, 5)
    t.strictSame(after.topCourses.slice(0, 3), [
      { id: third.id, title: 'Third', enrollments: most + 1 },
      { id: first.id, title: 'First', enrollments: most },
      { id: second.id, title: 'Second', enrollments: most }
    ])
    t.notMatch(body, /secret/, 'a draft is counted but not named')
  })

  await t.test('the first read is a MISS, the next ones are HITs with the same entity tag', async (t) => {
    await cleared()
    const miss = await send(stats)
    t.equal(miss.headers.get('x-cache'), 'MISS')
    const etag = miss.headers.get('etag') ?? ''
    t.match(etag, /^"[\w-]+"$/)
    for (let n = 0; n < 2; n++) {
      const hit = await send(stats)
      t.equal(hit.headers.get('x-cache'), 'HIT')
      t.equal(hit.headers.get('etag'), etag)
      t.equal(hit.body, miss.body)
    }
    const same = await send(stats, { headers: { 'If-None-Match': etag } })
    t.same([same.status, same.body], [304, ''])
    t.equal((await send(stats, { method: 'HEAD' })).headers.get('etag'), etag)
  })

  await t.test('a write does not invalidate the statistics', async (t) => {
    const { courses } = await get(Statistics, stats)
    await addCourse(client, { slug: 'later', title: 'Later' })
    t.equal((await get(Statistics, stats)).courses, courses)
  })

  const { cache: redis } = app.redis
  if (redis !== undefined) {
    await t.test('Redis keeps the statistics for five minutes, minus the jitter', async (t) => {
      await cleared()
      await send(stats)
      const ttlMs = await redis.pttl('aikademiya:stats:overview')
      t.ok(ttlMs > 4.5 * MINUTE_MS && ttlMs <= 5 * MINUTE_MS, `${ttlMs} ms`)
    })
  }

  await t.test('the route takes no query parameters', async (t) => {
    t.equal((await send(`${stats}?limit=1`)).status, 400)
  })
})
