import t from 'tap'
import { admin, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'
import { Chapter, Course, CoursePage, ErrorBody, Module } from '../support/contract.ts'
import { generate, ended as over } from '../support/generations.ts'
import { get } from '../support/http.ts'
import { bodyOf, OwnEnrollment, StudentPage, statusOf } from '../support/people.ts'

const COURSES = '/api/v1/courses'

const suite: Parameters<typeof bothWays>[1] = async (t, service) => {
  const { url } = service
  const ann = await register(url, 'ann')
  const bob = await register(url, 'bob')
  const boss = await admin(service)
  const authored = async (query = '', by = ann) =>
    bodyOf(CoursePage, await by.get(`/api/v1/users/me/authored-courses${query}`))
  const publish = (id: number) => statusOf(ann.request('PATCH', `${COURSES}/${id}`, { status: 'published' }))
  const reason = async (answer: Promise<Response>, status: number) => bodyOf(ErrorBody, await answer, status)

  /** A course of two modules, the first of two chapters, the second of one. */
  async function course(title: string) {
    const { id, moduleId, chapterId } = await draftOf(ann, title)
    const second = await bodyOf(Module, await ann.request('POST', `${COURSES}/${id}/modules`, { title: 'N' }), 201)
    const add = async (module: number, title: string) => {
      const path = `${COURSES}/${id}/modules/${module}/chapters`
      return (await bodyOf(Chapter, await ann.request('POST', path, { title, content: `# ${title}` }), 201)).id
    }
    const chapters = [chapterId, await add(moduleId, 'D'), await add(second.id, 'E')] as const
    return { id, modules: [moduleId, second.id] as const, chapters }
  }

  await t.test('the own courses include drafts, and can be filtered, sorted and paged', async (t) => {
    const redis = await draftOf(ann, 'Redis basics')
    await draftOf(ann, '100% Fastify')
    t.equal(await publish(redis.id), 200)
    await draftOf(bob, 'Redis of Bob')
    const titles = async (query: string, by = ann) => (await authored(query, by)).items.map(({ title }) => title)
    t.same(await titles(''), ['100% Fastify', 'Redis basics'], 'newest first')
    t.same(await titles('?sort=title'), ['100% Fastify', 'Redis basics'])
    t.same(await titles('?sort=-updatedAt'), ['Redis basics', '100% Fastify'])
    t.same(await titles('?status=draft'), ['100% Fastify'])
    t.same(await titles('?status=published'), ['Redis basics'])
    t.same(await titles('?search=REDIS'), ['Redis basics'])
    t.same(await titles('?search=%25'), [], 'punctuation is not a word')
    t.same(await titles('?search=100%25'), ['100% Fastify'])
    t.same((await titles('?search=%20')).length, 2)
    t.match(await authored('?limit=1&page=2'), { items: [{ title: 'Redis basics' }], total: 2, pages: 2 })
    t.match(await authored('?page=1000000&limit=100'), { items: [], total: 2 })
    t.same(await titles('', bob), ['Redis of Bob'])
    t.match(await reason(ann.get('/api/v1/users/me/authored-courses?status=gone'), 400), { message: /status/ })
    const bobs = async (search: string) => (await titles(`?search=${encodeURIComponent(search)}`, bob)).sort()
    const evening = { title: 'Redis in an evening', summary: 'Caches for everyone', language: 'en' }
    const hedgehogs = { title: 'Ёжики и йод', summary: 'Про ИИ и e-mail', language: 'ru' }
    for (const body of [evening, hedgehogs])
      await bodyOf(Course, await bob.request('POST', COURSES, { level: 'beginner', description: 'D', ...body }), 201)
    for (const search of ['evening redis', 'caching evening', 'redis even', 'EVENING'])
      t.same(await bobs(search), ['Redis in an evening'], search)
    for (const search of ['Ежики', 'ёжик', 'ежиками йод', 'ИИ', 'email', 'йод'.normalize('NFD')])
      t.same(await bobs(search), ['Ёжики и йод'], search)
    for (const search of ['vening', 'redis йод', 'basics']) t.same(await bobs(search), [], search)
    for (const { id } of (await authored('?search=Ежики', bob)).items)
      await statusOf(bob.request('DELETE', `${COURSES}/${id}`))
    for (const { id } of (await authored('?search=evening', bob)).items)
      await statusOf(bob.request('DELETE', `${COURSES}/${id}`))
    const id = await generate(bob, { topic: 'Chess', modules: 1, chaptersPerModule: 1 })
    await over(bob, id.id)
    t.match(await authored('?limit=1', bob), { items: [{ status: 'draft', chapterCount: 1 }], total: 2 })
  })

  await t.test('an outline sets the order of all modules and chapters in one request', async (t) => {
    const { id, modules, chapters } = await course('Ordered')
    const [first, second] = modules
    const [c, d, e] = chapters
    const path = `${COURSES}/${id}/outline`
    const put = (outline: unknown, by = ann, headers?: Record<string, string>) =>
      by.request('PUT', path, outline, headers)
    const orderOf = (course: { modules: { id: number; position: number; chapters: { id: number }[] }[] }) =>
      course.modules.map(({ id, chapters }) => [id, ...chapters.map(({ id }) => id)])
    await publish(id)
    const visible = () => get(Course, `${url}${COURSES}/${id}`)
    const before = await visible()
    t.same(orderOf(before), [
      [first, c, d],
      [second, e]
    ])

    const turned = {
      modules: [
        { id: second, chapters: [d, e, c] },
        { id: first, chapters: [] }
      ]
    }
    const etag = (await ann.get(`${COURSES}/${id}`)).headers.get('etag') ?? ''
    const after = await bodyOf(Course, await put(turned, ann, { 'if-match': etag }))
    t.same(orderOf(after), [[second, d, e, c], [first]])
    t.same(
      after.modules[0]?.chapters.map(({ position }) => position),
      [1, 2, 3]
    )
    t.same(await visible(), after, 'the public sees the new order at once')
    t.equal((await reason(put(turned, ann, { 'if-match': etag }), 412)).code, 'CHANGED_MEANWHILE')
    t.same(orderOf(await bodyOf(Course, await put(turned))), orderOf(after), 'setting an outline is idempotent')

    const other = await draftOf(ann)
    const wrong: [number, RegExp, unknown][] = [
      [
        400,
        /chapter \d+ twice/,
        {
          modules: [
            { id: first, chapters: [c, c] },
            { id: second, chapters: [d, e] }
          ]
        }
      ],
      [
        400,
        /module \d+ twice/,
        {
          modules: [
            { id: first, chapters: [c] },
            { id: first, chapters: [d, e] }
          ]
        }
      ],
      [
        409,
        new RegExp(`chapter ${e} is missing`),
        {
          modules: [
            { id: first, chapters: [c, d] },
            { id: second, chapters: [] }
          ]
        }
      ],
      [409, new RegExp(`module ${second} is missing`), { modules: [{ id: first, chapters: [c, d, e] }] }],
      [
        409,
        new RegExp(`chapter ${other.chapterId} is not in it`),
        {
          modules: [
            { id: first, chapters: [c, d, e, other.chapterId] },
            { id: second, chapters: [] }
          ]
        }
      ],
      [400, /modules.0.chapters.0/, { modules: [{ id: first, chapters: ['x'] }] }],
      [400, /modules.0.title/, { modules: [{ id: first, chapters: [], title: 'T' }] }],
      [400, /modules/, {}]
    ]
    for (const [status, message, outline] of wrong) t.match((await reason(put(outline), status)).message, message)
    t.equal(await statusOf(put(turned, bob)), 403)
    t.same(orderOf(await visible()), orderOf(after), 'nothing has changed')
  })

  await t.test('a chapter links the current previous and next chapters', async (t) => {
    const { id, modules, chapters } = await course('In a row')
    const [c, d, e] = chapters
    await publish(id)
    const links = async (chapterId: number) => {
      const { previous, next } = await get(Chapter, `${url}${COURSES}/${id}/chapters/${chapterId}`)
      return [previous?.title ?? null, next?.title ?? null]
    }
    const all = async () => [await links(c), await links(d), await links(e)]
    t.same(await all(), [
      [null, 'D'],
      ['C', 'E'],
      ['D', null]
    ])
    t.match(await get(Chapter, `${url}${COURSES}/${id}/chapters/${d}`), {
      previous: { id: c, title: 'C' },
      next: { id: e, title: 'E' }
    })
    await statusOf(ann.request('PATCH', `${COURSES}/${id}/chapters/${e}`, { title: 'Renamed' }))
    t.same(await links(d), ['C', 'Renamed'])
    await statusOf(ann.request('PATCH', `${COURSES}/${id}/modules/${modules[1]}`, { position: 1 }))
    t.same(await all(), [
      ['Renamed', 'D'],
      ['C', null],
      [null, 'C']
    ])
    await statusOf(ann.request('DELETE', `${COURSES}/${id}/chapters/${c}`))
    t.same(await links(d), ['Renamed', null])
    await statusOf(ann.request('POST', `${COURSES}/${id}/modules/${modules[0]}/chapters`, { title: 'F', content: '#' }))
    t.same(await links(d), ['Renamed', 'F'])
  })

  await t.test('a copy of a course is an independent draft', async (t) => {
    const { id } = await course('Original')
    await publish(id)
    const answer = await ann.request('POST', `${COURSES}/${id}/duplicate`)
    const location = answer.headers.get('location')
    const copy = await bodyOf(Course, answer, 201)
    const original = await bodyOf(Course, await ann.get(`${COURSES}/${id}`))
    t.equal(location, `${COURSES}/${copy.id}`)
    t.equal(answer.headers.get('etag'), (await ann.get(`${COURSES}/${copy.id}`)).headers.get('etag'))
    t.match(copy, { title: 'Original', status: 'draft', author: { name: 'ann' }, slug: `original-${copy.id}` })
    const parts = ({ modules }: typeof copy) =>
      modules.map(({ title, position, chapters }) => ({
        title,
        position,
        chapters: chapters.map(({ id: _, ...rest }) => rest)
      }))
    t.same(parts(copy), parts(original))
    const text = async ({ id, modules }: typeof copy) =>
      (await bodyOf(Chapter, await ann.get(`${COURSES}/${id}/chapters/${modules[1]?.chapters[0]?.id}`))).content
    t.equal(await text(copy), '# E')
    await statusOf(ann.request('DELETE', `${COURSES}/${copy.id}`))
    t.equal(await text(original), '# E')
    t.equal(await statusOf(bob.request('POST', `${COURSES}/${id}/duplicate`)), 403, 'a user other than the author')
    const { id: draft } = await draftOf(ann)
    t.equal(await statusOf(bob.request('POST', `${COURSES}/${draft}/duplicate`)), 404)
    const own = await bodyOf(Course, await boss.request('POST', `${COURSES}/${draft}/duplicate`), 201)
    t.not(own.author.name, 'ann', 'the copy belongs to the admin')
    t.equal(await statusOf(ann.get(`${COURSES}/${own.id}`)), 404)
  })

  await t.test('an author sees the students of a course; a student sees his own progress', async (t) => {
    const { id, chapters } = await course('Taught')
    await publish(id)
    const own = async (by = bob) => bodyOf(OwnEnrollment, await by.get(`/api/v1/users/me/courses/${id}`))
    const students = async (query = '', by = ann) =>
      bodyOf(StudentPage, await by.get(`${COURSES}/${id}/students${query}`))
    t.same(await own(), { courseId: id, enrolled: false, progress: null })
    t.match(await students(), { items: [], total: 0 })
    for (const by of [bob, boss]) await statusOf(by.request('PUT', `${COURSES}/${id}/enrollment`))
    t.match(await own(), { enrolled: true, progress: { percent: 0, total: 3 } })
    await statusOf(bob.request('PUT', `/api/v1/users/me/progress/${id}/chapters/${chapters[0]}`, { completed: true }))
    t.match(await own(), { enrolled: true, progress: { percent: 33, completedChapterIds: [chapters[0]] } })
    const { items, total } = await students()
    t.equal(total, 2)
    t.same(
      items.map(({ user, percent }) => [user.name, percent]).sort(),
      [
        ['Administrator', 0],
        ['bob', 33]
      ],
      'with their progress'
    )
    t.match(await students('?limit=1&page=2'), { items: [items[1] ?? {}], total: 2, pages: 2 })
    t.equal((await students('', boss)).total, 2)
    t.equal(await statusOf(bob.get(`${COURSES}/${id}/students`)), 403)
    t.match((await reason(ann.get(`${COURSES}/${id}/students?sort=name`), 400)).message, /sort/)
    await statusOf(bob.request('DELETE', `${COURSES}/${id}/enrollment`))
    t.same(await own(), { courseId: id, enrolled: false, progress: null })
    t.equal((await students()).total, 1)
    await statusOf(ann.request('PATCH', `${COURSES}/${id}`, { status: 'draft' }))
    t.equal(await statusOf(bob.get(`/api/v1/users/me/courses/${id}`)), 404)
    t.equal(await statusOf(bob.get(`${COURSES}/${id}/students`)), 404)
  })
}

bothWays(t, suite, { env: { ...peopleEnvironment, RATE_LIMIT_GENERATION: '0' } })
