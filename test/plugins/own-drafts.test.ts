import t, { type Test } from 'tap'
import { Actor, admin, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'

/** `Cache-Control` of what nobody but its user may keep. */
const PRIVATE = /private|no-store/

bothWays(
  t,
  async (t, service) => {
    const { url, app } = service
    const author = await register(url, 'author')
    const student = await register(url, 'student')
    const boss = await admin(service)
    const visitor = new Actor(url)
    const { id, chapterId } = await draftOf(author)
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

    await t.test('the author and an admin see a draft, however often; nobody else, before or after', async (t) => {
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

    await t.test('the cache has nothing of it but that the public finds nothing', async (t) => {
      for (const key of [`course:${id}`, `course:${id}:modules`, `course:${id}:chapter:${chapterId}`]) {
        const stored = await app.cacheParts.store.get(key)
        t.ok(stored, key)
        t.notMatch(stored?.text, 'A draft')
        t.notMatch(stored?.text, '# text')
      }
    })

    await t.test('the author sees his change at once, and everybody the publication', async (t) => {
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
