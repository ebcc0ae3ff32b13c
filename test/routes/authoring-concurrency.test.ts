import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Actor, draftOf, register } from '../support/actors.ts'
import { Chapter, Course, ErrorBody, Module, ModuleList } from '../support/contract.ts'
import { bodyOf, spawnFor, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const COURSES = '/api/v1/courses'
const PATIENCE = 10

/** The status, after retries on 503, which a busy machine may answer. */
async function patiently(by: Actor, method: string, path: string, body?: object): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const status = await statusOf(by.request(method, path, body))
    if (status !== 503 || attempt === PATIENCE) return status
    await sleep(100 * attempt)
  }
}

t.test('concurrent authors, on Redis and PostgreSQL', async (t) => {
  const { env } = await startStack(t)
  const { url } = await startService(t, env)
  const second = await spawnFor(t, env)
  const ann = await register(url, 'ann')
  const there = new Actor(second.url, ann.cookie)
  const modules = async (id: number) => (await bodyOf(ModuleList, await ann.get(`${COURSES}/${id}/modules`))).items
  const dense = (items: readonly { position: number }[]) => items.every(({ position }, index) => position === index + 1)
  const titles = async (id: number) => (await modules(id)).map(({ title }) => title).join('')

  /** A draft with a module for each letter, which is its title. */
  async function draft(letters: string) {
    const { id, moduleId } = await draftOf(ann)
    await statusOf(ann.request('DELETE', `${COURSES}/${id}/modules/${moduleId}`))
    const ids = new Map<string, number>()
    for (const title of letters) {
      ids.set(title, (await bodyOf(Module, await ann.request('POST', `${COURSES}/${id}/modules`, { title }), 201)).id)
    }
    return { id, ids }
  }

  await t.test('positions stay dense, whatever position is requested', async (t) => {
    const { id, ids } = await draft('abcd')
    const move = (title: string, position: number) =>
      statusOf(ann.request('PATCH', `${COURSES}/${id}/modules/${ids.get(title)}`, { position }))
    const add = (title: string, position: number) =>
      statusOf(ann.request('POST', `${COURSES}/${id}/modules`, { title, position }))
    const steps: [() => Promise<number>, number, string][] = [
      [() => move('d', 1), 200, 'dabc'],
      [() => move('d', 3), 200, 'abdc'],
      [() => move('a', 1000), 200, 'bdca'],
      [() => move('b', 1), 200, 'bdca'],
      [() => move('b', 0), 400, 'bdca'],
      [() => move('b', -1), 400, 'bdca'],
      [() => add('x', 2), 201, 'bxdca'],
      [() => add('y', 1000), 201, 'bxdcay'],
      [() => add('z', 1), 201, 'zbxdcay'],
      [() => statusOf(ann.request('DELETE', `${COURSES}/${id}/modules/${ids.get('d')}`)), 204, 'zbxcay']
    ]
    for (const [step, status, after] of steps) {
      t.equal(await step(), status, after)
      t.equal(await titles(id), after)
      t.ok(dense(await modules(id)))
    }
  })

  await t.test('30 concurrent moves and inserts of modules leave positions 1..n, without an error', async (t) => {
    const { id, ids } = await draft('abcdefgh')
    const all = [...ids.values()]
    const requests = Array.from({ length: 30 }, (_, n) => {
      const by = n % 2 === 0 ? ann : there
      const path = `${COURSES}/${id}/modules`
      if (n % 3 === 0) return patiently(by, 'POST', path, { title: `new ${n}`, position: (n % 7) + 1 })
      return patiently(by, 'PATCH', `${path}/${all[n % all.length]}`, { position: ((n * 5) % 9) + 1 })
    })
    const statuses = await Promise.all(requests)
    t.same(
      statuses.filter((status) => status !== 200 && status !== 201),
      []
    )
    const after = await modules(id)
    t.equal(after.length, 18)
    t.ok(dense(after), after.map(({ position }) => position).join())
  })

  await t.test(
    '30 concurrent changes of chapters leave positions 1..n, beside 120 requests of one author',
    async (t) => {
      const { id, moduleId, chapterId } = await draftOf(ann)
      const path = `${COURSES}/${id}/modules/${moduleId}/chapters`
      const chapters = [chapterId]
      for (let n = 0; n < 9; n++)
        chapters.push((await bodyOf(Chapter, await ann.request('POST', path, { title: `${n}`, content: 'x' }), 201)).id)
      const requests = Array.from({ length: 30 }, (_, n) => {
        const by = n % 2 === 0 ? ann : there
        const chapter = `${COURSES}/${id}/chapters/${chapters[n % 10]}`
        if (n < 3) return patiently(by, 'DELETE', chapter)
        if (n % 3 === 0) return patiently(by, 'POST', path, { title: 'new', content: 'x', position: (n % 6) + 1 })
        return patiently(by, 'PATCH', chapter, { position: ((n * 7) % 10) + 1 })
      })
      const statuses = await Promise.all(requests)
      t.same(
        statuses.filter((status) => ![200, 201, 204, 404].includes(status)),
        []
      )
      const after = (await modules(id))[0]?.chapters ?? []
      t.ok(after.length === 16 && dense(after), after.map(({ position }) => position).join())

      const storm = Array.from({ length: 120 }, (_, n) =>
        statusOf((n % 2 ? ann : there).request('PATCH', `${COURSES}/${id}`, { title: `storm ${n}` }))
      )
      t.same(
        (await Promise.all(storm)).filter((status) => status !== 200 && status !== 503),
        [],
        'no 500 under load'
      )
    }
  )

  await t.test('If-Match accepts the ETag of a GET, for courses and chapters, drafts and published', async (t) => {
    const { id, chapterId } = await draftOf(ann)
    for (const path of [`${COURSES}/${id}`, `${COURSES}/${id}/chapters/${chapterId}`]) {
      for (const status of ['draft', 'published']) {
        await bodyOf(Course, await ann.request('PATCH', `${COURSES}/${id}`, { status }))
        const first = (await ann.get(path)).headers.get('etag') ?? ''
        const change = (title: string, tag: string) => ann.request('PATCH', path, { title }, { 'if-match': tag })
        t.equal(await statusOf(change('one', '"of another version"')), 412)
        const answer = await change(`${status} one`, first)
        t.equal(answer.status, 200)
        t.equal((await ann.get(path)).headers.get('etag'), answer.headers.get('etag'), 'the answer has the next ETag')
        t.match(await bodyOf(ErrorBody, await change('two', first), 412), { code: 'CHANGED_MEANWHILE' })
        t.equal(
          await statusOf(change(`${status} two`, `"x", ${answer.headers.get('etag')}`)),
          200,
          'one of several ETags matches'
        )
        t.equal(await statusOf(change(`${status} three`, '*')), 200)
        const now = (await ann.get(path)).headers.get('etag') ?? ''
        const unconditional = await ann.request('PATCH', path, { title: 'one' }, { 'if-none-match': now })
        t.equal(unconditional.status, 200, 'a write without a condition succeeds')
        t.equal(await statusOf(there.request('GET', path)), 200)
      }
      t.equal(await statusOf(ann.request('DELETE', path, undefined, { 'if-match': '"x"' })), 412)
    }
    const part = (await ann.get(`${COURSES}/${id}`)).headers.get('etag') ?? ''
    await ann.request('POST', `${COURSES}/${id}/modules`, { title: 'M' })
    t.equal(
      await statusOf(ann.request('PATCH', `${COURSES}/${id}`, { title: 'x' }, { 'if-match': part })),
      412,
      'a new module changes the ETag'
    )
    t.equal(await statusOf(ann.request('DELETE', `${COURSES}/${id}`, undefined, { 'if-match': '*' })), 204)
    t.equal(await statusOf(ann.request('PATCH', `${COURSES}/${id}`, { title: 'x' }, { 'if-match': '*' })), 404)
  })

  await t.test('If-Match on a module is the ETag of its course', async (t) => {
    const { id, moduleId } = await draftOf(ann)
    const path = `${COURSES}/${id}/modules/${moduleId}`
    const etag = (await ann.get(`${COURSES}/${id}`)).headers.get('etag') ?? ''
    const change = (title: string) => statusOf(ann.request('PATCH', path, { title }, { 'if-match': etag }))
    t.equal(await change('one'), 200)
    t.equal(await change('two'), 412)
    t.equal(await statusOf(ann.request('DELETE', path, undefined, { 'if-match': etag })), 412)
    t.equal(await statusOf(ann.request('DELETE', path)), 204)
  })

  await t.test('of concurrent changes with one ETag exactly one succeeds', async (t) => {
    const { id } = await draftOf(ann)
    for (let round = 0; round < 3; round++) {
      const etag = (await ann.get(`${COURSES}/${id}`)).headers.get('etag') ?? ''
      const requests = Array.from({ length: 12 }, (_, n) =>
        (n % 2 ? ann : there).request('PATCH', `${COURSES}/${id}`, { title: `${round} ${n}` }, { 'if-match': etag })
      )
      const answers = await Promise.all(requests)
      t.same(answers.map(({ status }) => status).sort(), [200, ...Array(11).fill(412)])
      const winner = answers.find(({ status }) => status === 200)
      const { title } = await bodyOf(Course, winner ?? (await ann.get('/nowhere')))
      for (const by of [ann, there]) t.equal((await bodyOf(Course, await by.get(`${COURSES}/${id}`))).title, title)
    }
  })
})
