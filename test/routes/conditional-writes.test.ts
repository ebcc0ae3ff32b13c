import t from 'tap'
import { admin, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { Category, Chapter, Course, ErrorBody, Module, ModuleList } from '../support/contract.ts'
import { bodyOf, OwnUser, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

t.test('writes with the headers of conditional requests', async (t) => {
  const service = await startService(t, peopleEnvironment)
  const ann = await register(service.url, 'ann')
  const boss = await admin(service)
  const etagOf = async (path: string, by = ann) => {
    const answer = await by.get(path)
    await answer.arrayBuffer()
    return answer.headers.get('etag') ?? 'none'
  }
  const draft = await draftOf(ann)
  const course = `/api/v1/courses/${draft.id}`
  const chapter = `${course}/chapters/${draft.chapterId}`
  const module = `${course}/modules/${draft.moduleId}`

  await t.test('a write ignores If-None-Match, and answers with a body', async (t) => {
    const tag = async (path: string, by = ann) => ({ 'if-none-match': await etagOf(path, by) })
    const both = { title: 'Written', summary: 'Anew' }
    for (const status of ['draft', 'published']) {
      await bodyOf(Course, await ann.request('PATCH', course, { status, title: 'Before' }))
      const headers = await tag(course)
      t.equal(await statusOf(ann.get(course, headers)), 304, 'the ETag is current')
      t.match(await bodyOf(Course, await ann.request('PATCH', course, both, headers)), both, status)
      t.match(await bodyOf(Course, await ann.get(course)), both)
    }
    const change = { title: 'Written', content: 'anew' }
    t.match(await bodyOf(Chapter, await ann.request('PATCH', chapter, change, await tag(chapter))), change)
    t.match(await bodyOf(Chapter, await ann.get(chapter)), change)
    const same = await tag(chapter)
    const repeated = await ann.request('PATCH', chapter, change, same)
    t.equal(repeated.headers.get('etag'), same['if-none-match'], 'the answer has the ETag that was sent')
    t.match(await bodyOf(Chapter, repeated), change, 'the answer still has a body')

    const modules = await tag(`${course}/modules`)
    t.match(await bodyOf(Module, await ann.request('PATCH', module, { title: 'Written' }, modules)), {
      title: 'Written'
    })
    t.match(await bodyOf(ModuleList, await ann.get(`${course}/modules`)), { items: [{ title: 'Written' }] })

    const me = '/api/v1/users/me'
    t.match(await bodyOf(OwnUser, await ann.request('PATCH', me, { bio: 'written' }, await tag(me))), {
      bio: 'written'
    })
    const category = '/api/v1/categories/data'
    const renamed = await boss.request('PATCH', category, { name: 'Written' }, await tag(category, boss))
    t.match(await bodyOf(Category, renamed), { name: 'Written' })
    t.match(await bodyOf(Category, await ann.get(category)), { name: 'Written' })
    t.equal(await statusOf(ann.request('DELETE', chapter, undefined, await tag(chapter))), 204)
  })

  await t.test('an If-Match without the current ETag is 412, and nothing is written', async (t) => {
    const { id, chapterId } = await draftOf(ann)
    const root = `/api/v1/courses/${id}`
    for (const path of [root, `${root}/chapters/${chapterId}`]) {
      const stale = await etagOf(path)
      await statusOf(ann.request('PATCH', path, { title: 'Somebody else' }))
      const before = await (await ann.get(path)).text()
      const current = await etagOf(path)
      t.not(stale, current)
      for (const tag of [stale, `W/${stale}`, '"none"', `"a", ${stale}, "b"`, current.replaceAll('"', ''), 'none']) {
        for (const [method, body] of [
          ['PATCH', { title: 'Too late' }],
          ['DELETE', undefined]
        ] as const) {
          const answer = await ann.request(method, path, body, { 'if-match': tag })
          t.match(await bodyOf(ErrorBody, answer, 412), { code: 'CHANGED_MEANWHILE' }, `${method} ${path} ${tag}`)
        }
      }
      t.equal(await (await ann.get(path)).text(), before)
      t.equal(await etagOf(path), current)
      t.equal(await statusOf(ann.request('PATCH', path, { title: 'In time' }, { 'if-match': current })), 200)
    }
    t.equal(await statusOf(ann.request('DELETE', root, undefined, { 'if-match': await etagOf(root) })), 204)
    t.equal(await statusOf(ann.get(root)), 404)
  })

  await t.test('a category with an outdated If-Match is 412, and is not written', async (t) => {
    await bodyOf(Category, await boss.request('POST', '/api/v1/categories', { slug: 'tagged', name: 'Tagged' }), 201)
    const path = '/api/v1/categories/tagged'
    const stale = await etagOf(path)
    await statusOf(boss.request('PATCH', path, { name: 'Somebody else' }))
    for (const method of ['PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? { name: 'Too late' } : undefined
      const answer = await boss.request(method, path, body, { 'if-match': stale })
      t.match(await bodyOf(ErrorBody, answer, 412), { code: 'CHANGED_MEANWHILE' }, method)
    }
    t.match(await bodyOf(Category, await ann.get(path)), { name: 'Somebody else' })
    t.equal(await statusOf(boss.request('DELETE', path, undefined, { 'if-match': await etagOf(path) })), 204)
    t.equal(await statusOf(boss.request('DELETE', path, undefined, { 'if-match': stale })), 404)
  })

  await t.test('a created resource has its ETag; a module accepts its own or that of its course', async (t) => {
    const tagOf = (answer: Response) => ({ 'if-match': answer.headers.get('etag') ?? 'none' })
    const { id } = await draftOf(ann)
    const modules = `/api/v1/courses/${id}/modules`
    const made = await ann.request('POST', modules, { title: 'One' })
    const path = `${modules}/${(await bodyOf(Module, made, 201)).id}`
    await bodyOf(Module, await ann.request('POST', modules, { title: 'Another' }), 201)
    const changed = await ann.request('PATCH', path, { title: 'Two' }, tagOf(made))
    t.equal(changed.status, 200, 'a change of another module does not matter')
    t.equal(await statusOf(ann.request('PATCH', path, { title: 'Late' }, tagOf(made))), 412)
    t.equal(await statusOf(ann.request('DELETE', path, undefined, tagOf(made))), 412)
    for (const whole of [`/api/v1/courses/${id}`, modules]) {
      const seen = { 'if-match': await etagOf(whole) }
      t.equal(await statusOf(ann.request('PATCH', path, { title: `By ${whole}` }, seen)), 200)
      t.equal(await statusOf(ann.request('PATCH', path, { title: 'Late' }, seen)), 412)
    }
    const last = await ann.request('PATCH', path, { title: 'Four' })
    t.equal(await statusOf(ann.request('DELETE', path, undefined, tagOf(last))), 204)

    for (const [post, body] of [
      ['/api/v1/courses', { title: 'T', summary: 'S', description: 'D', level: 'beginner', language: 'en' }],
      [`${modules}/${draft.moduleId}/chapters`, { title: 'C', content: 'text' }]
    ] as const) {
      const target = post.replace(`${id}`, `${draft.id}`)
      const answer = await ann.request('POST', target, body)
      t.equal(answer.status, 201)
      t.equal(await etagOf(answer.headers.get('location') ?? ''), answer.headers.get('etag'), target)
    }
    const category = await boss.request('POST', '/api/v1/categories', { slug: 'made', name: 'Made' })
    t.equal(await statusOf(boss.request('PATCH', '/api/v1/categories/made', { name: 'x' }, tagOf(category))), 200)
  })

  await t.test('a chapter accepts its own ETag, or that of a resource that contains it', async (t) => {
    const { id, chapterId } = await draftOf(ann)
    const path = `/api/v1/courses/${id}/chapters/${chapterId}`
    for (const whole of [path, `/api/v1/courses/${id}`, `/api/v1/courses/${id}/modules`]) {
      const seen = { 'if-match': await etagOf(whole) }
      t.equal(await statusOf(ann.request('PATCH', path, { title: `By ${whole}` }, seen)), 200)
      t.equal(await statusOf(ann.request('DELETE', path, undefined, seen)), 412)
    }
  })

  await t.test('routes without an ETag refuse If-Match, and change nothing', async (t) => {
    const requests: [string, string, object | undefined][] = [
      ['POST', '/api/v1/courses', { title: 'T', summary: 'S', description: 'D', level: 'beginner', language: 'en' }],
      ['PUT', '/api/v1/courses/1/enrollment', undefined],
      ['POST', '/api/v1/auth/logout', undefined],
      ['GET', '/api/v1/courses/1', undefined],
      ['GET', '/api/v1/courses', undefined]
    ]
    for (const [method, path, body] of requests) {
      const answer = await ann.request(method, path, body, { 'if-match': '"any"' })
      t.match(await bodyOf(ErrorBody, answer, 400), { code: 'PRECONDITION_UNSUPPORTED' }, `${method} ${path}`)
    }
    const { url } = await startService(t, { RATE_LIMIT_ANONYMOUS: '3' })
    const visit = () => statusOf(fetch(`${url}/api/v1/courses/1`, { headers: { 'if-match': '"any"' } }))
    const visits = [await visit(), await visit(), await visit(), await visit()]
    t.same(visits, [400, 400, 400, 429], 'on routes of the front door too, and the limit counts them')
  })

  await t.test('an If-Match reveals nothing to a stranger: 404 and 403 come before 412', async (t) => {
    const { id } = await draftOf(ann)
    const bob = await register(service.url, 'bob')
    const path = `/api/v1/courses/${id}`
    const change = (tag: string) => statusOf(bob.request('PATCH', path, { title: 'Mine' }, { 'if-match': tag }))
    const tags = ['"none"', await etagOf(path), '*']
    for (const tag of tags) t.equal(await change(tag), 404, tag)
    await statusOf(ann.request('PATCH', path, { status: 'published' }))
    for (const tag of tags) t.equal(await change(tag), 403, tag)
  })
})
