import t, { type Test } from 'tap'
import { Actor, admin, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { generate, ended as over, wanted } from '../support/generations.ts'
import { describedBy } from '../support/openapi.ts'
import { bodyOf, SessionUser, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const course = { title: 'New', summary: 'S', description: 'D', level: 'beginner', language: 'en' }

/** A well-formed token that was never sent. */
const LETTER_TOKEN = 'A'.repeat(43)

/** A valid body for each operation that takes JSON. */
const bodies = new Map<string, object>([
  ['POST /api/v1/auth/register', { email: 'new@example.org', password: 'password of new', name: 'New' }],
  ['POST /api/v1/auth/login', { email: 'ann@example.org', password: 'password of ann' }],
  ['POST /api/v1/auth/password', { current: 'password of admin', next: 'another password' }],
  ['POST /api/v1/auth/password/forgot', { email: 'ann@example.org' }],
  ['POST /api/v1/auth/password/reset', { token: LETTER_TOKEN, password: 'another password' }],
  // With the password set by the operation above.
  ['POST /api/v1/auth/email', { email: 'admin@new.example', password: 'another password' }],
  ['POST /api/v1/auth/email/verify', { token: LETTER_TOKEN }],
  ['DELETE /api/v1/users/me', { password: 'password of admin' }],
  ['POST /api/v1/auth/tokens', { name: 'New', scopes: ['read'] }],
  ['POST /api/v1/categories', { slug: 'new', name: 'New' }],
  ['PATCH /api/v1/categories/{slug}', { name: 'Changed' }],
  ['POST /api/v1/courses', course],
  ['PATCH /api/v1/courses/{id}', { title: 'Changed' }],
  ['POST /api/v1/courses/{id}/modules', { title: 'New' }],
  ['PATCH /api/v1/courses/{id}/modules/{moduleId}', { title: 'Changed' }],
  ['POST /api/v1/courses/{id}/modules/{moduleId}/chapters', { title: 'New', content: 'text' }],
  ['PATCH /api/v1/courses/{id}/chapters/{chapterId}', { title: 'Changed' }],
  ['POST /api/v1/generation', wanted],
  ['PATCH /api/v1/users/{id}', { role: 'author' }],
  ['PATCH /api/v1/users/me', { name: 'Changed 🎓' }],
  ['PUT /api/v1/users/me/progress/{courseId}/chapters/{chapterId}', { completed: true }]
])

/** Optional text fields of such a body. */
const optional = new Map<string, Record<string, string>>([
  ['POST /api/v1/categories', { description: 'D' }],
  ['PATCH /api/v1/categories/{slug}', { description: 'D' }],
  ['PATCH /api/v1/courses/{id}', { summary: 'S', description: 'D' }],
  ['POST /api/v1/courses/{id}/modules', { summary: 'S' }],
  ['PATCH /api/v1/courses/{id}/modules/{moduleId}', { summary: 'S' }],
  ['PATCH /api/v1/courses/{id}/chapters/{chapterId}', { content: 'text' }],
  ['POST /api/v1/generation', { audience: 'everybody' }],
  ['PATCH /api/v1/users/me', { bio: 'B', avatarUrl: 'https://example.org/a.png' }]
])

/** Passwords that are only compared: malformed text is refused like any wrong password. */
const signsIn = new Set([
  'POST /api/v1/auth/login password',
  'POST /api/v1/auth/password current',
  'POST /api/v1/auth/email password',
  'DELETE /api/v1/users/me password'
])
/** Well-formed, but refused for their meaning. */
const impossible = new Set([
  'POST /api/v1/auth/password/reset',
  'POST /api/v1/auth/email/verify',
  'DELETE /api/v1/users/me',
  'PUT /api/v1/courses/{id}/outline'
])

t.test('a request refused before its handler changes nothing', async (t) => {
  const service = await startService(t, { ...peopleEnvironment, RATE_LIMIT_GENERATION: '0' })
  const { app, url } = service
  const ann = await register(url, 'ann')
  const { user } = await bodyOf(SessionUser, await ann.get('/api/v1/auth/session'))
  const boss = await admin(service)
  const { id, moduleId, chapterId } = await draftOf(boss)
  bodies.set('PUT /api/v1/courses/{id}/outline', { modules: [{ id: moduleId, chapters: [chapterId] }] })
  await statusOf(boss.request('PUT', `/api/v1/courses/${id}/enrollment`))
  const generation = await generate(boss, { modules: 1, chaptersPerModule: 1 })
  await over(boss, generation.id)

  const ids = new Map([
    ['users/{id}', `users/${user.id}`],
    ['generation/{id}', `generation/${generation.id}`],
    ['{slug}', 'data'],
    ['{id}', `${id}`],
    ['{courseId}', `${id}`],
    ['{moduleId}', `${moduleId}`],
    ['{chapterId}', `${chapterId}`]
  ])
  const { paths } = await describedBy(url)
  const operations = Object.entries(paths).flatMap(([template, methods]) => {
    const path = [...ids].reduce((filled, [name, value]) => filled.replace(name, value), template)
    return Object.entries(methods).map(([key, { parameters = [], requestBody }]) => {
      const required = parameters.filter((parameter) => parameter.in === 'query' && parameter.required)
      const query = required.map((parameter) => `${parameter.name}=x&`).join('')
      const name = `${key.toUpperCase()} ${template}`
      const body = bodies.get(name)
      return { name, method: key.toUpperCase(), path, query, takesBody: requestBody !== undefined, body }
    })
  })
  // An import is Markdown: see course-files.test.ts.
  const ofApi = operations.filter(
    ({ name, path }) => path.startsWith('/api/') && name !== 'POST /api/v1/courses/import'
  )
  const withBody = ofApi.filter(({ takesBody }) => takesBody)
  const changes = ofApi.filter(({ method }) => method !== 'GET')

  /** The current state of everything that the operations could change. */
  function world(): Promise<unknown[]> {
    const { client } = app.database
    return Promise.all([
      client.user.findMany({ orderBy: { id: 'asc' } }),
      client.accessToken.findMany({ orderBy: { id: 'asc' } }),
      client.category.findMany({ orderBy: { id: 'asc' } }),
      client.course.findMany({ orderBy: { id: 'asc' } }),
      client.module.findMany({ where: { courseId: id } }),
      client.chapter.findMany({ where: { courseId: id } }),
      client.enrollment.findMany({ where: { courseId: id } }),
      client.chapterCompletion.count(),
      client.generationJob.findMany({ orderBy: { id: 'asc' } })
    ])
  }
  const before = await world()

  async function unchanged(t: Test): Promise<void> {
    t.same(await world(), before, 'nothing is written')
    t.equal(await statusOf(boss.get('/api/v1/auth/session')), 200, 'nobody is signed out')
  }

  t.same(
    withBody.filter(({ body }) => body === undefined).map(({ name }) => name),
    [],
    'the table covers every operation'
  )
  t.ok(ofApi.length > 35 && ofApi.every(({ path }) => !path.includes('{')), 'every path is filled in')

  await t.test('an unknown query parameter is 400 and named, even if the rest is valid', async (t) => {
    for (const { name, method, path, query, body } of ofApi) {
      const answer = await boss.request(method, `${path}?${query}surprise=1`, body)
      const { code, message } = await bodyOf(ErrorBody, answer, 400)
      t.same([code, message], ['VALIDATION_FAILED', 'unknown field surprise'], name)
      t.same(answer.headers.getSetCookie(), [])
    }
    await unchanged(t)
  })

  await t.test('a body of another type than JSON is 415, and the answer names the accepted type', async (t) => {
    const types = ['text/plain', 'text/plain; charset=utf-8', 'application/x-www-form-urlencoded', 'json']
    for (const { name, method, path, body } of withBody) {
      for (const type of [...types, 'multipart/form-data; boundary=x', 'application/merge-patch+json']) {
        const answer = await boss.request(method, path, body, { 'content-type': type })
        const expected = { code: 'NOT_JSON', message: /application\/json/ }
        t.match(await bodyOf(ErrorBody, answer, 415), expected, `${name} as ${type}`)
      }
    }
    await unchanged(t)
  })

  await t.test('a missing body and an empty change are 400 and name what is missing', async (t) => {
    const least = 'the body must have at least 1 field'
    for (const { name, method, path, body } of withBody) {
      t.match(await bodyOf(ErrorBody, await boss.request(method, path), 400), { message: /body/ }, name)
      const { message } = await bodyOf(ErrorBody, await boss.request(method, path, {}), 400)
      const required = Object.keys(body ?? {}).map((field) => `${field} is required`)
      t.ok([...required, least].includes(message), `${name} with {}: ${message}`)
    }
    const { message } = await bodyOf(ErrorBody, await boss.request('PATCH', `/api/v1/courses/${id}`, {}), 400)
    t.equal(message, least)
    await unchanged(t)
  })

  await t.test('text with a lone surrogate is 400, and names the field', async (t) => {
    for (const { name, method, path, body } of withBody) {
      for (const [field, value] of Object.entries({ ...body, ...optional.get(name) })) {
        if (typeof value !== 'string' || signsIn.has(`${name} ${field}`)) continue
        for (const half of ['\ud800', '\udc00', '\udc00\ud800']) {
          const answer = await boss.request(method, path, { ...body, [field]: `${value}${half}` })
          const { code, message } = await bodyOf(ErrorBody, answer, 400)
          t.same([code, message.split(' ')[0]], ['VALIDATION_FAILED', field], `${name}: ${message}`)
        }
      }
    }
    await unchanged(t)
  })

  await t.test('no operation changes anything from a foreign origin', async (t) => {
    for (const { name, method, path, body } of changes) {
      const answer = await boss.request(method, path, body, { origin: 'https://evil.example' })
      t.match(await bodyOf(ErrorBody, answer, 403), { code: 'FOREIGN_ORIGIN' }, name)
      t.same(answer.headers.getSetCookie(), [])
      t.equal(answer.headers.get('access-control-allow-origin'), null)
    }
    await unchanged(t)
  })

  await t.test('the same requests succeed from the own origin, so nothing else was wrong with them', async (t) => {
    for (const { name, method, path, body } of withBody.filter(({ name }) => !impossible.has(name))) {
      const by = /register|login/.test(path) ? new Actor(url) : boss
      const answer = await by.request(method, path, body, { origin: url })
      t.ok(answer.ok, `${name}: ${answer.status} ${await answer.text()}`)
      // A new password comes with a new session.
      by.cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? by.cookie
    }
    t.notSame(await world(), before)
  })
})
