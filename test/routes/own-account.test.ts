import { once } from 'node:events'
import t from 'tap'
import { exportAccount } from '#users/export.ts'
import { connectTo } from '../checks/hostile/never-read.ts'
import { Actor, ADMIN, admin, draftOf, register } from '../support/actors.ts'
import { Course, CoursePage, ErrorBody } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { generate, PATH } from '../support/generations.ts'
import { ModelServer } from '../support/model-server.ts'
import { bodyOf, OwnUser, spawnFor, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'
import { makeToken, withToken } from '../support/tokens.ts'

const ME = '/api/v1/users/me'
const remove = (actor: Actor, password: string) => actor.request('DELETE', ME, { password })
const codeOf = async (answer: Promise<Response>, status: number) => (await bodyOf(ErrorBody, await answer, status)).code

t.test('deleting an account keeps its public courses, without the name', async (t) => {
  const model = await ModelServer.start(t)
  const { env: stack } = await startStack(t)
  const env = { ...stack, ...model.env }
  const service = await startService(t, env)
  const { url, app } = service
  const other = await spawnFor(t, { ...env, CACHE_L1_LEASE_MS: '0' })
  const ann = await register(url, 'ann')
  const { id: userId } = await bodyOf(OwnUser, await ann.get(ME))
  const script = withToken(url, (await makeToken(ann)).token)
  const published = await draftOf(ann, 'What stays')
  await bodyOf(Course, await ann.request('PATCH', `/api/v1/courses/${published.id}`, { status: 'published' }))
  const draft = await draftOf(ann, 'What goes')
  await ann.request('PUT', '/api/v1/courses/1/enrollment')
  const visitor = new Actor(other.url)
  const page = async () => bodyOf(Course, await visitor.get(`/api/v1/courses/${published.id}`))
  const list = async () => bodyOf(CoursePage, await visitor.get('/api/v1/courses?sort=-createdAt&limit=1'))
  t.match([(await page()).author, (await list()).items[0]?.author], [{ name: 'ann' }, { name: 'ann' }])

  // The model never answers, so the generation runs until it is ended.
  const asked = Promise.withResolvers<void>()
  let brokenOff = false
  model.behaviour = (_question, response) => {
    response.on('close', () => {
      brokenOff = true
    })
    asked.resolve()
    return new Promise(() => {})
  }
  const { id: generation } = await generate(ann, { topic: 'Chess endgames' })
  await asked.promise
  const stream = await ann.get(`${PATH}/${generation}/events`)
  const streamed = stream.text()

  t.equal(await codeOf(remove(ann, 'wrong'), 403), 'WRONG_PASSWORD')
  t.equal(await statusOf(ann.get(ME)), 200)
  const answer = await remove(ann, 'password of ann')
  t.equal(answer.status, 204)
  t.match(answer.headers.getSetCookie()[0], /^sid=;/)

  t.same(
    await Promise.all([ann, new Actor(other.url, ann.cookie), script].map((actor) => statusOf(actor.get(ME)))),
    [401, 401, 401]
  )
  const { author } = await page()
  t.match(author, { name: '[deleted]' })
  t.not(author.id, userId)
  t.match((await list()).items[0], { id: published.id, author })
  t.equal(await statusOf(visitor.get(`/api/v1/users/${userId}`)), 404)
  const boss = await admin(service)
  t.equal(await statusOf(boss.get(`/api/v1/courses/${draft.id}`)), 404)
  t.notMatch(
    await (await boss.get('/api/v1/users?limit=100')).text(),
    /\[deleted\]|ann@/,
    'the deleted account is not listed'
  )
  t.equal(await codeOf(boss.request('PATCH', `/api/v1/users/${author.id}`, { role: 'admin' }), 404), 'NOT_FOUND')
  await streamed
  await until(() => brokenOff, 10_000)
  const { client } = app.database
  t.same(
    await Promise.all([
      client.generationJob.count({ where: { userId } }),
      client.enrollment.count({ where: { userId } }),
      client.userSession.count({ where: { userId } }),
      client.accessToken.count({ where: { userId } }),
      client.letter.count({ where: { email: 'ann@example.org' } })
    ]),
    [0, 0, 0, 0, 0]
  )
  t.ok(await register(url, 'ann'), 'the address is free')

  await t.test('courses of a second deleted author move to the same placeholder', async (t) => {
    const ben = await register(url, 'ben')
    const { id } = await draftOf(ben)
    await ben.request('PATCH', `/api/v1/courses/${id}`, { status: 'published' })
    t.equal(await statusOf(remove(ben, 'password of ben')), 204)
    t.same((await bodyOf(Course, await visitor.get(`/api/v1/courses/${id}`))).author, author)
  })

  await t.test('the last admin cannot leave: of two concurrent deletions one succeeds', async (t) => {
    t.equal(await codeOf(remove(boss, ADMIN.password), 409), 'LAST_ADMIN')
    const second = await register(url, 'second')
    const { id } = await bodyOf(OwnUser, await second.get(ME))
    await boss.request('PATCH', `/api/v1/users/${id}`, { role: 'admin' })
    const statuses = [remove(boss, ADMIN.password), remove(second, 'password of second')].map(statusOf)
    t.same((await Promise.all(statuses)).sort(), [204, 409])
  })
})

t.test('an export contains all stored data of an account', async (t) => {
  const { url } = await startService(t, { RATE_LIMIT_ANONYMOUS: '0' })
  const ann = await register(url, 'ann')
  const { token } = await makeToken(ann)
  const { id, chapterId } = await draftOf(ann, 'A draft of ann')
  await draftOf(ann, 'Another one')
  await ann.request('PUT', '/api/v1/courses/1/enrollment')
  await ann.request('PUT', `${ME}/progress/1/chapters/1`, { completed: true })
  await generate(ann, { modules: 1 })
  const ben = await register(url, 'ben')
  await draftOf(ben, 'A draft of ben')

  const answer = await ann.get(`${ME}/export`)
  t.match(answer.headers.get('content-disposition'), /^attachment; filename="ai-akademiya-account-\d+\.json"$/)
  t.match(answer.headers.get('cache-control'), /private, no-store/)
  const text = await answer.text()
  const { account, sessions, accessTokens, letters, courses, enrollments, completions, generations } = JSON.parse(text)
  t.match(account, { email: 'ann@example.org', role: 'student' })
  t.match(sessions, [{ network: '127.0.0.0/24' }])
  t.match(accessTokens, [{ name: 'script', prefix: token.slice(0, 8) }])
  t.match(letters, [{ kind: 'email_verification' }])
  t.match(courses.slice(0, 2), [
    { id, title: 'A draft of ann', modules: [{ title: 'M', chapters: [{ id: chapterId, content: '# text' }] }] },
    { title: 'Another one' }
  ])
  t.match([enrollments, completions, generations], [[{ courseId: 1 }], [{ chapterId: 1 }], [{ topic: /./ }]])
  t.notMatch(text, /digest|passwordHash|requestHash|argon2|draft of ben|ben@/)
  t.notOk(text.includes(token))

  for (let n = 0; n < 9; n++) t.equal(await statusOf(ann.get(`${ME}/export`)), 200)
  t.equal(await codeOf(ann.get(`${ME}/export`), 429), 'RATE_LIMITED')
})

t.test('an export that is not read holds one piece in memory, and its connection is closed', async (t) => {
  const unlimited = { RATE_LIMIT_ANONYMOUS: '0', RATE_LIMIT_USER: '0' }
  const service = await startService(t, unlimited, { server: { sendTimeoutMs: 1000 } })
  const { url, app } = service
  const ann = await register(url, 'ann')
  const own = await bodyOf(OwnUser, await ann.get(ME))
  const { id: courseId } = await draftOf(ann)
  const { id: moduleId } = await app.database.client.module.findFirstOrThrow({ where: { courseId } })
  const texts = [...Array(40).keys()].map((n) => `${n} `.padEnd(n === 20 ? 400_000 : 200_000, 'x'))
  await app.database.client.chapter.createMany({
    data: texts.map((content, n) => ({ courseId, moduleId, title: 'T', content, position: n + 2 }))
  })

  const pieces: string[] = []
  for await (const piece of exportAccount(app.database.client, await app.accounts.account(own.id))) pieces.push(piece)
  t.ok(Math.max(...pieces.map(({ length }) => length)) < 500_000, 'no piece is much larger than the longest chapter')
  const [course] = JSON.parse(pieces.join('')).courses
  t.same(
    course.modules[0].chapters.slice(1).map(({ content }: { content: string }) => content),
    texts
  )

  for (const socket of [connectTo(url), connectTo(url)]) {
    socket.write(`GET ${ME}/export HTTP/1.1\r\nHost: x\r\nCookie: ${ann.cookie}\r\n\r\n`)
    await once(socket, 'readable')
    t.teardown(() => socket.destroy())
  }
  const refused = await ann.get(`${ME}/export`)
  t.equal(refused.headers.get('retry-after'), '2')
  t.match(await bodyOf(ErrorBody, refused, 429), { code: 'TOO_MANY_TRANSFERS' })
  let answer = refused
  await until(async () => {
    answer = await ann.get(`${ME}/export`)
    return answer.status === 200
  }, 20_000)
  t.equal((await answer.text()).length, pieces.join('').length)
})
