import t, { type Test } from 'tap'
import { Actor, admin, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'

/** The `Cache-Control` of answers that only the browser of their user may store. */
const PRIVATE = /private|no-store/

bothWays(
  t,
  async (t, service) => {
    const { url, app } = service
    const author = await register(url, 'author')
    const student = await register(url, 'student')
    const boss = await admin(service)
    const visitor = new Actor(url)
    const { id, moduleId, chapterId } = await draftOf(author)
    const course = `/api/v1/courses/${id}`
    const paths = [course, `${course}/modules`, `${course}/chapters/${chapterId}`]

    const checkSeen = async (t: Test, actor: Actor, path: string, what: string) => {
      const answer = await actor.get(path)
      t.same([answer.status, answer.headers.get('x-cache')], [200, 'BYPASS'], what)
      t.match(answer.headers.get('cache-control'), PRIVATE, what)
      t.notMatch(answer.headers.get('cache-control'), 'public', what)
      const body = await answer.text()
      const etag = answer.headers.get('etag') ?? ''
      t.match(etag, /^(W\/)?"[^"]+"$/, what)
      const known = await actor.get(path, { 'if-none-match': etag })
      t.same([known.status, await known.text()], [304, ''], what)
      return body
    }

    await t.test('the author and an admin see a draft, and nobody else does, before or after them', async (t) => {
      for (const path of paths) {
        for (const round of ['first', 'second']) {
          const bodies = []
          for (const [who, actor] of Object.entries({ author, boss })) {
            bodies.push(await checkSeen(t, actor, path, `${who} ${path}`))
          }
          t.equal(new Set(bodies).size, 1)
          for (const [who, actor] of Object.entries({ visitor, student })) {
            const answer = await actor.get(path)
            t.equal(answer.status, 404, `${who}, ${round} ${path}`)
            t.equal(answer.headers.get('etag'), null)
            t.notMatch(await answer.text(), 'A draft')
          }
        }
      }
    })

    await t.test('the cache holds no draft, only the negative entry for the public', async (t) => {
      for (const key of [`course:${id}`, `course:${id}:modules`, `course:${id}:chapter:${chapterId}`]) {
        const stored = await app.cacheParts.store.get(key)
        t.ok(stored, key)
        t.notMatch(stored?.text, 'A draft')
        t.notMatch(stored?.text, '# text')
      }
    })

    await t.test('to everybody else a draft looks like a missing course, whatever happens to the draft', async (t) => {
      const chapter = { title: 'Another', content: '' }
      const steps: [string, () => Promise<unknown>][] = [
        ['as it is', async () => {}],
        ['read by its author', () => author.get(course)],
        ['changed', () => author.request('PATCH', course, { title: 'A draft still' })],
        ['with another chapter', () => author.request('POST', `${course}/modules/${moduleId}/chapters`, chapter)]
      ]
      const told = async (actor: Actor, [method, path, body]: readonly [string, string, unknown?]) => {
        const answer = await actor.request(method, path, body)
        const headers = Object.fromEntries(answer.headers)
        const text = (await answer.text()).replace(/"requestId":"[^"]*"/, '')
        for (const name of ['x-request-id', 'x-response-time', 'date']) delete headers[name]
        // The timings of a 404 must not reveal what was looked up; those of other answers vary anyway.
        const times = answer.status === 404 ? /total;dur=[\d.]+/ : /[\d.]+/g
        const timing = headers['server-timing']?.replace(times, '')
        return { ...headers, 'server-timing': timing, status: answer.status, text }
      }
      const requests = (id: number, moduleId: number, chapterId: number) => {
        const base = `/api/v1/courses/${id}`
        const part = { title: 'T' }
        return [
          ...[base, `${base}/modules`, `${base}/chapters/${chapterId}`].flatMap((path) => [
            ['GET', path] as const,
            ['HEAD', path] as const
          ]),
          ...[['PATCH', base, part] as const, ['DELETE', base] as const, ['POST', `${base}/modules`, part] as const],
          ...[
            ['PATCH', `${base}/modules/${moduleId}`, part] as const,
            ['DELETE', `${base}/modules/${moduleId}`] as const
          ],
          ['POST', `${base}/modules/${moduleId}/chapters`, chapter] as const,
          ['PATCH', `${base}/chapters/${chapterId}`, part] as const,
          ['DELETE', `${base}/chapters/${chapterId}`] as const,
          ...[['PUT', `${base}/enrollment`] as const, ['DELETE', `${base}/enrollment`] as const],
          ['GET', `/api/v1/users/me/progress/${id}`] as const,
          ['PUT', `/api/v1/users/me/progress/${id}/chapters/${chapterId}`, { completed: true }] as const
        ]
      }
      let never = 900_000
      for (const [what, step] of steps) {
        await step()
        never++
        for (const [who, actor] of Object.entries({ visitor, student })) {
          // In the second round, both have been requested before.
          for (let again = 0; again < 2; again++) {
            const nothing = requests(never, never, never)
            for (const [i, request] of requests(id, moduleId, chapterId).entries()) {
              const expected = await told(actor, nothing[i] ?? ['GET', '/'])
              t.same(await told(actor, request), expected, `${who}, ${what}: ${request.slice(0, 2).join(' ')}`)
            }
          }
        }
      }
    })

    await t.test('the author sees a change at once, and everybody sees the publication at once', async (t) => {
      const change = (body: object) => author.request('PATCH', course, body)
      t.equal((await change({ title: 'Another title' })).status, 200)
      t.match(await (await author.get(course)).text(), 'Another title')
      t.equal((await visitor.get(course)).status, 404)
      t.equal((await change({ status: 'published' })).status, 200)
      for (const actor of [visitor, student, author]) {
        const answer = await actor.get(course)
        t.equal(answer.status, 200)
        t.match(await answer.text(), 'Another title')
      }
      t.equal((await change({ status: 'draft' })).status, 200)
      t.same([(await visitor.get(course)).status, (await student.get(course)).status], [404, 404])
      t.equal((await author.get(course)).status, 200)
    })
  },
  { env: peopleEnvironment }
)
