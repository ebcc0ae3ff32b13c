import t from 'tap'
import { Actor, admin, draftOf, register } from '../support/actors.ts'
import { Chapter, Course, ErrorBody, Module } from '../support/contract.ts'
import {
  bodyOf,
  EnrolledCoursePage,
  Progress,
  ProgressList,
  spawnFor,
  startStack,
  statusOf
} from '../support/people.ts'
import { startService } from '../support/service.ts'

const MINE = '/api/v1/users/me'

t.test('learning, on Redis and PostgreSQL', async (t) => {
  const { env } = await startStack(t)
  const service = await startService(t, env)
  const { app, url } = service
  const second = await spawnFor(t, env)
  const author = await register(url, 'author')
  const ann = await register(url, 'ann')
  const there = new Actor(second.url, ann.cookie)

  /** A published course with one module of `count` chapters. */
  async function course(count: number) {
    const { id, moduleId, chapterId } = await draftOf(author)
    const chapters = [chapterId]
    for (let n = 1; n < count; n++) chapters.push(await addChapter(id, moduleId))
    await bodyOf(Course, await author.request('PATCH', `/api/v1/courses/${id}`, { status: 'published' }))
    return { id, moduleId, chapters }
  }
  async function addChapter(id: number, moduleId: number) {
    const path = `/api/v1/courses/${id}/modules/${moduleId}/chapters`
    return (await bodyOf(Chapter, await author.request('POST', path, { title: 'C', content: 'text' }), 201)).id
  }
  const enroll = (id: number, by = ann) => statusOf(by.request('PUT', `/api/v1/courses/${id}/enrollment`))
  const leave = (id: number, by = ann) => statusOf(by.request('DELETE', `/api/v1/courses/${id}/enrollment`))
  const mark = (id: number, chapter: number, completed = true, by = ann) =>
    by.request('PUT', `${MINE}/progress/${id}/chapters/${chapter}`, { completed })
  const progress = async (id: number, by = ann) => bodyOf(Progress, await by.get(`${MINE}/progress/${id}`))

  await t.test('enrolling and leaving are idempotent, even when concurrent', async (t) => {
    const { id } = await course(1)
    t.same(await Promise.all(Array.from({ length: 10 }, () => enroll(id))), Array(10).fill(204))
    t.equal(await app.database.client.enrollment.count({ where: { courseId: id } }), 1)
    t.same(await Promise.all([leave(id), leave(id), leave(id)]), [204, 204, 204])
    t.equal(await statusOf(ann.get(`${MINE}/progress/${id}`)), 404)
    t.equal(await enroll(999_999), 404)
    t.equal(await enroll((await draftOf(author)).id), 404, 'a draft of another user')
  })

  await t.test('each change answers with the new progress, and both processes show it afterwards', async (t) => {
    const { id, chapters } = await course(3)
    await enroll(id)
    t.match(await progress(id, there), { completedChapterIds: [], completed: 0, total: 3, percent: 0 })
    const percents = [33, 66, 100]
    for (const [n, chapter] of chapters.entries()) {
      const by = n % 2 === 0 ? ann : there
      const answer = await bodyOf(Progress, await mark(id, chapter, true, by))
      t.match(answer, { courseId: id, completed: n + 1, total: 3, percent: percents[n] })
      t.same(await progress(id), answer)
      t.same(await progress(id, there), answer)
    }
    const again = await bodyOf(Progress, await mark(id, chapters[0] ?? 0))
    t.equal(again.completed, 3, 'completing a chapter is idempotent')
    t.match(await bodyOf(Progress, await mark(id, chapters[1] ?? 0, false)), { completed: 2, percent: 66 })
    t.same((await progress(id, there)).completedChapterIds, [chapters[0], chapters[2]])
    const { items } = await bodyOf(ProgressList, await there.get(`${MINE}/progress`))
    t.same(
      items.find(({ courseId }) => courseId === id),
      await progress(id)
    )
  })

  await t.test('20 concurrent completions are all kept', async (t) => {
    const { id, chapters } = await course(20)
    await enroll(id)
    const answers = await Promise.all(chapters.map((chapter, n) => mark(id, chapter, true, n % 2 ? ann : there)))
    const seen = await Promise.all(answers.map((answer) => bodyOf(Progress, answer)))
    for (const [n, { completedChapterIds }] of seen.entries())
      t.ok(completedChapterIds.includes(chapters[n] ?? 0), 'the answer includes its own completion')
    for (const by of [ann, there]) t.match(await progress(id, by), { completed: 20, total: 20, percent: 100 })
  })

  await t.test('added and deleted chapters count at once', async (t) => {
    const { id, moduleId, chapters } = await course(2)
    await enroll(id)
    for (const chapter of chapters) await mark(id, chapter)
    t.equal((await progress(id, there)).percent, 100)
    const added = await addChapter(id, moduleId)
    for (const by of [ann, there]) t.match(await progress(id, by), { completed: 2, total: 3, percent: 66 })
    t.equal(await statusOf(author.request('DELETE', `/api/v1/courses/${id}/chapters/${added}`)), 204)
    for (const by of [ann, there]) t.equal((await progress(id, by)).percent, 100)
    t.equal(await statusOf(author.request('DELETE', `/api/v1/courses/${id}/chapters/${chapters[0]}`)), 204)
    for (const by of [ann, there])
      t.match(await progress(id, by), { completedChapterIds: [chapters[1]], total: 1, percent: 100 })
    await bodyOf(Module, await author.request('POST', `/api/v1/courses/${id}/modules`, { title: 'Empty' }), 201)
    t.equal((await progress(id)).percent, 100)
    t.equal(await statusOf(author.request('DELETE', `/api/v1/courses/${id}/modules/${moduleId}`)), 204)
    for (const by of [ann, there]) t.match(await progress(id, by), { completedChapterIds: [], total: 0, percent: 0 })
  })

  await t.test('completing and deleting chapters concurrently causes no error', async (t) => {
    const { id, chapters } = await course(16)
    const students = await Promise.all(['s1', 's2', 's3', 's4'].map((name) => register(url, name)))
    for (const student of students) await enroll(id, student)
    const answers = await Promise.all(
      chapters.flatMap((chapter) => [
        ...students.map((student) => statusOf(mark(id, chapter, true, student))),
        statusOf(author.request('DELETE', `/api/v1/courses/${id}/chapters/${chapter}`))
      ])
    )
    t.same(
      answers.filter((status) => ![200, 204, 404].includes(status)),
      [],
      'no deadlock, no 500'
    )
    t.match(await progress(id, students[0]), { completed: 0, total: 0 })
  })

  await t.test('progress without enrollment is 409, a chapter of another course is 404', async (t) => {
    const one = await course(1)
    const other = await course(1)
    t.match(await bodyOf(ErrorBody, await mark(one.id, one.chapters[0] ?? 0), 409), { code: 'NOT_ENROLLED' })
    await enroll(one.id)
    t.equal(await statusOf(mark(one.id, other.chapters[0] ?? 0)), 404)
    t.equal(await statusOf(mark(one.id, 999_999)), 404)
    t.equal(await statusOf(mark(999_999, one.chapters[0] ?? 0)), 404)
    for (const completed of ['yes', null, 1, 'true', undefined]) {
      const answer = await ann.request('PUT', `${MINE}/progress/${one.id}/chapters/${one.chapters[0]}`, { completed })
      t.match([answer.status, await answer.text()], [400, /completed/], `completed: ${completed}`)
    }
    const draft = await draftOf(author)
    const hidden = await statusOf(mark(draft.id, draft.chapterId))
    t.equal(hidden, await statusOf(mark(draft.id, 999_999)), 'a stranger cannot probe the chapters of a draft')
  })

  await t.test('to a student an unpublished course looks like one that never existed', async (t) => {
    const { id, chapters } = await course(2)
    const [first = 0] = chapters
    await enroll(id)
    await mark(id, first)
    t.match(await progress(id), { completed: 1, total: 2 })
    const change = (status: string) => author.request('PATCH', `/api/v1/courses/${id}`, { status })
    t.equal((await change('draft')).status, 200)
    const told = async (answer: Promise<Response>) => {
      const { status, headers } = await answer
      return {
        status,
        hits: headers.get('x-cache-hits'),
        body: (await (await answer).text()).replace(/"requestId":"[^"]*"/, '')
      }
    }
    for (const by of [ann, there]) {
      for (const chapter of [first, 999_999]) {
        for (const completed of [true, false]) {
          const hidden = await told(mark(id, chapter, completed, by))
          const nothing = await told(mark(999_998, chapter, completed, by))
          t.match(hidden, { status: 404, body: /course not found/ })
          t.same(hidden, nothing)
        }
      }
      for (let again = 0; again < 2; again++) {
        const hidden = await told(by.get(`${MINE}/progress/${id}`))
        const nothing = await told(by.get(`${MINE}/progress/999998`))
        t.match(hidden, { status: 404 })
        t.same(hidden, nothing)
      }
      const all = await bodyOf(ProgressList, await by.get(`${MINE}/progress`))
      t.notOk(all.items.some(({ courseId }) => courseId === id))
      t.equal(await enroll(id, by), 404)
    }
    t.equal((await change('published')).status, 200)
    for (const by of [ann, there]) t.match(await progress(id, by), { completed: 1, total: 2 }, 'progress is kept')
  })

  await t.test('leaving a course deletes the progress', async (t) => {
    const { id, chapters } = await course(2)
    await enroll(id)
    await mark(id, chapters[0] ?? 0)
    t.equal(await leave(id), 204)
    for (const by of [ann, there]) t.equal(await statusOf(by.get(`${MINE}/progress/${id}`)), 404)
    await enroll(id)
    for (const by of [ann, there]) t.match(await progress(id, by), { completed: 0, percent: 0 })
  })

  await t.test('enrolled courses are paged, latest first, without deleted or hidden ones', async (t) => {
    const bob = await register(url, 'bob')
    const list = async (query = '') => bodyOf(EnrolledCoursePage, await bob.get(`${MINE}/courses${query}`))
    t.match(await list(), { items: [], total: 0, pages: 0 })
    const courses = [await course(2), await course(1), await course(1)]
    for (const { id } of courses) await enroll(id, bob)
    const [a, b, c] = courses.map(({ id }) => id)
    await mark(a ?? 0, courses[0]?.chapters[0] ?? 0, true, bob)
    t.same(
      (await list()).items.map(({ id }) => id),
      [c, b, a]
    )
    t.match(await list('?page=2&limit=2'), {
      items: [{ id: a, progress: { percent: 50 } }],
      page: 2,
      total: 3,
      pages: 2
    })
    for (const query of ['?limit=101', '?page=0', '?sort=title'])
      t.equal(await statusOf(bob.get(`${MINE}/courses${query}`)), 400)
    await author.request('PATCH', `/api/v1/courses/${b}`, { status: 'draft' })
    t.same(
      (await list()).items.map(({ id }) => id),
      [c, a],
      'hidden'
    )
    await (await admin(service)).request('DELETE', `/api/v1/courses/${c}`)
    t.match(await list(), { items: [{ id: a }], total: 1 }, 'deleted')
    t.equal(await statusOf(bob.get(`${MINE}/progress/${c}`)), 404)
    t.notOk(
      (await bodyOf(ProgressList, await bob.get(`${MINE}/progress`))).items.some(({ courseId }) => courseId === c)
    )
  })
})
