import t from 'tap'
import { bothWays } from '../support/both-ways.ts'
import { Chapter, Course, CoursePage, ErrorBody, ModuleList, parse } from '../support/contract.ts'
import { addCourse, publishedCourses } from '../support/courses.ts'
import { get, send } from '../support/http.ts'

bothWays(t, async (t, { app, url }) => {
  const { client } = app.database
  const courses = `${url}/api/v1/courses`
  const bare = await addCourse(client, { slug: 'bare', categoryId: null })
  const draft = await addCourse(client, { slug: 'draft', title: 'Unfinished business', status: 'draft' })
  const published = await publishedCourses(client)

  await t.test('the list has the courses of the database, in the exact shape of the contract', async (t) => {
    const page = await get(CoursePage, `${courses}?limit=100`)
    t.equal(page.total, published.length)
    const byId = (a: { id: number }, b: { id: number }) => a.id - b.id
    t.same(page.items.toSorted(byId), published.toSorted(byId))
  })

  await t.test('a course has the fields of its list item, plus description and modules', async (t) => {
    for (const item of published) {
      const { description, modules, ...rest } = await get(Course, `${courses}/${item.id}`)
      const row = await client.course.findUniqueOrThrow({ where: { id: item.id } })
      t.same(rest, item)
      t.equal(description, row.description)
      t.equal(modules.length, item.moduleCount)
      t.equal(modules.flatMap(({ chapters }) => chapters).length, item.chapterCount)
    }
  })

  await t.test('modules and chapters match the database, in the order of their positions', async (t) => {
    const order = { orderBy: { position: 'asc' } } as const
    for (const { id } of published) {
      const { items } = await get(ModuleList, `${courses}/${id}/modules`)
      const rows = await client.module.findMany({ where: { courseId: id }, include: { chapters: order }, ...order })
      const shown = rows.map(({ courseId, chapters, ...module }) => ({
        ...module,
        chapters: chapters.map(({ id, title, position, minutes }) => ({ id, title, position, minutes }))
      }))
      t.same(items, shown)
      t.same((await get(Course, `${courses}/${id}`)).modules, items, 'the course shows the same modules')
    }
  })

  await t.test('every chapter of a course has its content', async (t) => {
    const [first] = published
    const chapters = await client.chapter.findMany({ where: { courseId: first?.id } })
    t.ok(chapters.length > 5)
    for (const row of chapters) {
      const { previous: _p, next: _n, ...chapter } = await get(Chapter, `${courses}/${row.courseId}/chapters/${row.id}`)
      t.same(chapter, row)
    }
  })

  await t.test('a course may have no category, and a module no chapters', async (t) => {
    const course = await get(Course, `${courses}/${bare.id}`)
    t.equal(course.category, null)
    t.same(
      course.modules.map(({ title, chapters }) => [title, chapters.length]),
      [
        ['First', 1],
        ['Empty', 0]
      ]
    )
  })

  await t.test('a draft is in no list, whatever the filter', async (t) => {
    const { items, total } = await get(CoursePage, `${courses}?limit=100&author=${draft.authorId}`)
    t.notOk(items.some(({ id }) => id === draft.id))
    t.equal(total, published.filter(({ author }) => author.id === draft.authorId).length)
    for (const query of ['search=unfinished', 'search=Unfinished%20business&level=beginner', 'search=BUSINESS']) {
      const page = await get(CoursePage, `${courses}?limit=100&${query}`)
      t.notOk(
        page.items.some(({ id }) => id === draft.id),
        query
      )
      t.equal(page.total, page.items.length, query)
    }
  })

  await t.test('a draft is 404 by every URL, with the answer of a course that never existed', async (t) => {
    const paths = ['', '/modules', `/chapters/${draft.chapterId}`]
    for (const path of paths) {
      const answer = await send(`${courses}/${draft.id}${path}`)
      const nothing = await send(`${courses}/999999${path}`)
      t.equal(answer.status, 404, path)
      t.equal(nothing.status, 404, path)
      const { requestId: _, ...body } = parse(ErrorBody, answer.body)
      t.has(parse(ErrorBody, nothing.body), body, path)
      t.equal((await send(`${courses}/${draft.id}${path}`, { headers: { 'If-None-Match': '*' } })).status, 404, path)
      t.equal((await send(`${courses}/${draft.id}${path}`, { method: 'HEAD' })).status, 404, path)
    }
  })

  await t.test('a chapter is found under its own course only', async (t) => {
    t.equal((await send(`${courses}/${bare.id}/chapters/${bare.chapterId}`)).status, 200)
    const [other] = published
    t.equal(
      (await send(`${courses}/${other?.id}/chapters/${bare.chapterId}`)).status,
      404,
      'a chapter of another course'
    )
    t.equal((await send(`${courses}/${bare.id}/chapters/${draft.chapterId}`)).status, 404, 'a chapter of a draft')
    t.equal(
      (await send(`${courses}/${draft.id}/chapters/${bare.chapterId}`)).status,
      404,
      'a public chapter under a draft'
    )
    t.equal((await send(`${courses}/${bare.id}/chapters/999999`)).status, 404, 'a missing chapter')
  })

  await t.test('routes of single resources take no query parameters', async (t) => {
    for (const path of ['', '/modules', `/chapters/${bare.chapterId}`]) {
      const { status, body } = await send(`${courses}/${bare.id}${path}?fields=id`)
      t.equal(status, 400, path)
      t.match(parse(ErrorBody, body).message, /fields/, path)
    }
  })
})
