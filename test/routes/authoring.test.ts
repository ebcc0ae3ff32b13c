import t from 'tap'
import { Actor, ADMIN, draftOf, register, signIn } from '../support/actors.ts'
import { Chapter, Course, CoursePage, ErrorBody, Module, ModuleList } from '../support/contract.ts'
import { bodyOf, spawnFor, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const COURSES = '/api/v1/courses'
const NEW = { title: 'Введение в Redis', summary: 'S', description: '# D', level: 'beginner', language: 'ru' }

t.test('authoring, on Redis and PostgreSQL', async (t) => {
  const { env } = await startStack(t)
  const { url } = await startService(t, env)
  const second = await spawnFor(t, env)
  const ann = await register(url, 'ann')
  const bob = await register(url, 'bob')
  const boss = await signIn(url, ADMIN.email, ADMIN.password)
  const visitor = new Actor(url)
  const patch = (path: string, body: unknown, headers?: Record<string, string>, by = ann) =>
    by.request('PATCH', `${COURSES}/${path}`, body, headers)
  const listed = async (id: number, by = visitor) => {
    const { items } = await bodyOf(CoursePage, await by.get(`${COURSES}?limit=100`))
    return items.some((item) => item.id === id)
  }

  await t.test('a new course is a draft of its author, found at its Location', async (t) => {
    const answer = await ann.request('POST', COURSES, NEW)
    const location = answer.headers.get('location') ?? ''
    const course = await bodyOf(Course, answer, 201)
    t.match(course, { ...NEW, status: 'draft', category: null, author: { name: 'ann' }, modules: [], moduleCount: 0 })
    t.match(course.slug, /^vvedenie-v-redis-\d+$/)
    t.equal(location, `${COURSES}/${course.id}`)
    t.same(await bodyOf(Course, await ann.get(`${COURSES}/${course.id}`)), course)
    const { message } = await bodyOf(ErrorBody, await ann.request('POST', `${COURSES}?from=form`, NEW), 400)
    t.match(message, /from/, 'an unknown query parameter')
    for (const title of ['!!!', '日本語', '---', 'x'.repeat(200), '🙂 a', '-5']) {
      t.match(
        (await bodyOf(Course, await ann.request('POST', COURSES, { ...NEW, title }), 201)).slug,
        /^[a-z0-9]+(-[a-z0-9]+)*$/,
        title
      )
    }
    const { category } = await bodyOf(Course, await ann.request('POST', COURSES, { ...NEW, categoryId: 1 }), 201)
    t.equal(category?.id, 1)
  })

  await t.test('a field that only the service sets is refused, and named', async (t) => {
    const { id, moduleId, chapterId } = await draftOf(ann)
    const foreign = {
      id: 1,
      authorId: 1,
      author: { id: 1 },
      createdAt: '2020-01-01T00:00:00Z',
      courseId: 1,
      moduleId: 1
    }
    for (const [field, value] of Object.entries(foreign)) {
      const refused = [
        await ann.request('POST', COURSES, { ...NEW, [field]: value }),
        await patch(`${id}`, { title: 'T', [field]: value }),
        await patch(`${id}/modules/${moduleId}`, { title: 'T', [field]: value }),
        await patch(`${id}/chapters/${chapterId}`, { title: 'T', [field]: value })
      ]
      for (const answer of refused) t.match((await bodyOf(ErrorBody, answer, 400)).message, field)
    }
    for (const [field, value] of Object.entries({ status: 'published', slug: 'mine' })) {
      t.match(
        (await bodyOf(ErrorBody, await ann.request('POST', COURSES, { ...NEW, [field]: value }), 400)).message,
        field,
        'in a new course'
      )
    }
    t.equal(await statusOf(patch(`${id}`, {})), 400, 'an empty change')
  })

  await t.test('a category must exist, or be null', async (t) => {
    const { id } = await draftOf(ann)
    await bodyOf(Course, await patch(`${id}`, { categoryId: 1 }))
    for (const categoryId of [999_999, 0, -1, '', false, 'ai', 1.5, 2_147_483_648]) {
      t.equal(await statusOf(patch(`${id}`, { categoryId })), 400, `categoryId: ${JSON.stringify(categoryId)}`)
      t.equal(
        await statusOf(ann.request('POST', COURSES, { ...NEW, categoryId })),
        400,
        `new with ${JSON.stringify(categoryId)}`
      )
    }
    t.equal((await bodyOf(Course, await ann.get(`${COURSES}/${id}`))).category?.id, 1, 'the category is unchanged')
    t.equal((await bodyOf(Course, await patch(`${id}`, { categoryId: null }))).category, null)
  })

  await t.test('bodies that are too large, not JSON or malformed are refused', async (t) => {
    const raw = (body: string, type = 'application/json') =>
      fetch(url + COURSES, { method: 'POST', body, headers: { 'content-type': type, cookie: ann.cookie } })
    t.match(await bodyOf(ErrorBody, await raw(JSON.stringify({ ...NEW, description: 'x'.repeat(1_100_000) })), 413), {
      message: /large/
    })
    for (const type of [
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x'
    ]) {
      await bodyOf(ErrorBody, await raw(JSON.stringify(NEW), type), 415)
    }
    for (const body of ['{', '', 'null', '[]', '"x"', '{"title":}', '{"__proto__":{"x":1}}'])
      await bodyOf(ErrorBody, await raw(body), 400)
    t.equal(await statusOf(ann.request('POST', COURSES, { ...NEW, description: 'x'.repeat(20_001) })), 400)
    t.equal(await statusOf(ann.request('POST', COURSES, { ...NEW, title: '\u0000' })), 400)
  })

  await t.test('publishing, hiding and deleting a course apply at once, on both processes', async (t) => {
    const { id, chapterId } = await draftOf(ann)
    const readers = [visitor, bob, new Actor(url, ann.cookie)]
    const paths = [`${COURSES}/${id}`, `${COURSES}/${id}/modules`, `${COURSES}/${id}/chapters/${chapterId}`]
    const seen = async (by: Actor) => Promise.all(paths.map((path) => statusOf(by.get(path))))
    t.notOk(await listed(id))
    t.notOk(await listed(id, ann), 'not even for its author: the list has published courses only')
    t.same(await seen(bob), [404, 404, 404])
    for (let round = 0; round < 3; round++) {
      t.equal((await bodyOf(Course, await patch(`${id}`, { status: 'published' }))).status, 'published')
      t.ok(await listed(id))
      for (const by of readers) t.same(await seen(by), [200, 200, 200])
      t.equal((await bodyOf(Course, await patch(`${id}`, { status: 'draft' }))).status, 'draft')
      t.notOk(await listed(id))
      t.same(await Promise.all([visitor, bob].map(seen)), [
        [404, 404, 404],
        [404, 404, 404]
      ])
      t.same(await seen(ann), [200, 200, 200])
      // The other process may lag by the lease for the public, and never shows a draft for longer.
      await new Promise((resolve) => setTimeout(resolve, round === 0 ? 1100 : 50))
      t.same(await seen(new Actor(second.url, bob.cookie)), [404, 404, 404])
    }
    await patch(`${id}`, { status: 'published' })
    t.equal(await statusOf(ann.request('DELETE', `${COURSES}/${id}`)), 204)
    for (const by of readers) t.same(await seen(by), [404, 404, 404])
    t.notOk(await listed(id))
    t.equal(await statusOf(ann.request('DELETE', `${COURSES}/${id}`)), 404)
  })

  await t.test('the cache never serves a draft to another user', async (t) => {
    const { id, chapterId } = await draftOf(ann)
    const strangers = [bob, visitor, new Actor(second.url, bob.cookie), new Actor(second.url)]
    for (const path of [`${COURSES}/${id}`, `${COURSES}/${id}/modules`, `${COURSES}/${id}/chapters/${chapterId}`]) {
      for (let round = 0; round < 2; round++) {
        const own = await ann.get(path)
        t.equal(own.status, 200)
        t.match(own.headers.get('cache-control'), /private|no-store/, path)
        t.equal(await statusOf(boss.get(path)), 200)
        const etag = own.headers.get('etag') ?? ''
        t.equal(await statusOf(ann.get(path, { 'if-none-match': etag })), 304)
        for (const stranger of strangers) {
          t.equal(await statusOf(stranger.get(path)), 404)
          t.equal(await statusOf(stranger.request('HEAD', path)), 404)
          for (const tag of [etag, '*', `W/${etag}`])
            t.equal(await statusOf(stranger.get(path, { 'if-none-match': tag })), 404, tag)
        }
        await own.arrayBuffer()
      }
    }
  })

  await t.test('the course shows new, changed and deleted modules and chapters at once', async (t) => {
    const { id, moduleId, chapterId } = await draftOf(ann)
    await patch(`${id}`, { status: 'published' })
    await visitor.get(`${COURSES}/${id}/modules`)
    t.match(await bodyOf(Module, await patch(`${id}/modules/${moduleId}`, { title: 'New', summary: '' })), {
      title: 'New',
      position: 1
    })
    t.match(await bodyOf(ModuleList, await visitor.get(`${COURSES}/${id}/modules`)), { items: [{ title: 'New' }] })
    t.match(await bodyOf(Chapter, await patch(`${id}/chapters/${chapterId}`, { content: '*new*', minutes: 7 })), {
      content: '*new*',
      minutes: 7
    })
    t.match(await bodyOf(Chapter, await visitor.get(`${COURSES}/${id}/chapters/${chapterId}`)), {
      content: '*new*',
      title: 'C'
    })
    const marks = await patch(`${id}/chapters/${chapterId}`, { content: `a${'\u0301\u0316'.repeat(99_000)}` })
    t.match(await bodyOf(ErrorBody, marks, 400), {
      message: 'content must not have more than 30 combining marks in a row'
    })
    const other = await draftOf(ann)
    t.equal(
      await statusOf(patch(`${other.id}/chapters/${chapterId}`, { title: 'x' })),
      404,
      'a chapter of another course'
    )
    t.equal(await statusOf(patch(`${other.id}/modules/${moduleId}`, { title: 'x' })), 404)
    t.equal(
      await statusOf(
        ann.request('POST', `${COURSES}/${other.id}/modules/${moduleId}/chapters`, { title: 'x', content: '' })
      ),
      404
    )
    t.equal(await statusOf(ann.request('DELETE', `${COURSES}/${id}/modules/${moduleId}`)), 204)
    t.equal(
      await statusOf(visitor.get(`${COURSES}/${id}/chapters/${chapterId}`)),
      404,
      'its chapters are deleted with it'
    )
    t.match(await bodyOf(Course, await visitor.get(`${COURSES}/${id}`)), {
      moduleCount: 0,
      chapterCount: 0,
      modules: []
    })
  })
})
