import t from 'tap'
import { AdminLinks } from '#sessions/admin-link.ts'
import { Actor, admin, draftOf, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { generate, ended as over } from '../support/generations.ts'
import { bodyOf, SessionList } from '../support/people.ts'
import { startService } from '../support/service.ts'
import { makeToken, withToken } from '../support/tokens.ts'

/**
 * Authorization: for every route, the status for a visitor, another user, the author, an admin, an ended session,
 * the session of a deleted user, an access token of the author with every scope he may grant, and a client with an admin link. Every client that may change something gets a fresh draft, so that no cell of the table depends on another.
 */
const clients = ['visitor', 'other', 'author', 'admin', 'ended', 'deleted', 'token', 'link'] as const
const SECRET = 'the secret of the tests is long enough'
type Who = (typeof clients)[number]

const course = { title: 'T', summary: 'S', description: 'D', level: 'beginner', language: 'en' }
const generation = { topic: 'Chess', level: 'beginner', language: 'en', modules: 1, chaptersPerModule: 1 }
const all = (status: number): Record<Who, number> => row(status, status, status, status, status, status)
/** An ended session, one of a deleted user and an admin link have the rights of a visitor; a token has those of its user. */
function row(
  visitor: number,
  other: number,
  author: number,
  admin: number,
  ended = visitor,
  deleted = visitor,
  token = author,
  link = visitor
): Record<Who, number> {
  return { visitor, other, author, admin, ended, deleted, token, link }
}
/** Operations that need a session. */
const bySession = (statuses: Record<Who, number>): Record<Who, number> => ({ ...statuses, token: 403 })

/** Operations that an admin link may read too. */
const byLink = (statuses: Record<Who, number>): Record<Who, number> => ({ ...statuses, link: statuses.admin })

const table: [string, string, unknown, Record<Who, number>][] = [
  ['GET', '/health/live', undefined, all(200)],
  ['GET', '/health/ready', undefined, all(200)],
  ['GET', '/openapi.json', undefined, all(200)],
  ['GET', '/api/v1/categories', undefined, all(200)],
  ['GET', '/api/v1/categories/data', undefined, all(200)],
  ['POST', '/api/v1/categories', { slug: 'new-:n', name: 'New' }, row(401, 403, 403, 201)],
  ['PATCH', '/api/v1/categories/data', { name: 'Data' }, row(401, 403, 403, 200)],
  ['DELETE', '/api/v1/categories/none', undefined, row(401, 403, 403, 404)],
  ['GET', '/api/v1/courses', undefined, all(200)],
  ['GET', '/api/v1/courses/1', undefined, all(200)],
  ['GET', '/api/v1/courses/by-slug/none', undefined, all(404)],
  ['GET', '/api/v1/courses/1/modules', undefined, all(200)],
  ['GET', '/api/v1/courses/1/chapters/1', undefined, all(200)],
  ['HEAD', '/api/v1/courses/:draft', undefined, row(404, 404, 200, 200)],
  ['GET', '/api/v1/courses/:draft', undefined, row(404, 404, 200, 200)],
  ['GET', '/api/v1/courses/:draft/modules', undefined, row(404, 404, 200, 200)],
  ['GET', '/api/v1/courses/:draft/chapters/:chapter', undefined, row(404, 404, 200, 200)],
  ['GET', '/api/v1/courses/1/export', undefined, all(200)],
  ['GET', '/api/v1/courses/:draft/export', undefined, row(404, 404, 200, 200)],
  ['POST', '/api/v1/courses/import', course, row(401, 415, 415, 415)],
  ['POST', '/api/v1/courses', course, row(401, 201, 201, 201)],
  ['PATCH', '/api/v1/courses/:draft', { title: 'T' }, row(401, 404, 200, 200)],
  ['PATCH', '/api/v1/courses/:draft', { status: 'published' }, row(401, 404, 200, 200)],
  ['PATCH', '/api/v1/courses/:published', { title: 'T' }, row(401, 403, 200, 200)],
  ['DELETE', '/api/v1/courses/:draft', undefined, row(401, 404, 204, 204)],
  ['DELETE', '/api/v1/courses/:published', undefined, row(401, 403, 204, 204)],
  ['POST', '/api/v1/courses/:draft/modules', { title: 'M' }, row(401, 404, 201, 201)],
  ['PATCH', '/api/v1/courses/:draft/modules/:module', { title: 'M' }, row(401, 404, 200, 200)],
  ['DELETE', '/api/v1/courses/:published/modules/:module', undefined, row(401, 403, 204, 204)],
  ['POST', '/api/v1/courses/:draft/modules/:module/chapters', { title: 'C', content: '' }, row(401, 404, 201, 201)],
  ['PATCH', '/api/v1/courses/:draft/chapters/:chapter', { title: 'C' }, row(401, 404, 200, 200)],
  ['DELETE', '/api/v1/courses/:published/chapters/:chapter', undefined, row(401, 403, 204, 204)],
  ['PUT', '/api/v1/courses/:draft/outline', { modules: [] }, row(401, 404, 409, 409)],
  ['PUT', '/api/v1/courses/:published/outline', { modules: [] }, row(401, 403, 409, 409)],
  ['POST', '/api/v1/courses/:draft/duplicate', undefined, row(401, 404, 201, 201)],
  ['POST', '/api/v1/courses/:published/duplicate', undefined, row(401, 403, 201, 201)],
  ['GET', '/api/v1/courses/:draft/students', undefined, row(401, 404, 200, 200)],
  ['GET', '/api/v1/courses/:published/students', undefined, row(401, 403, 200, 200)],
  ['PUT', '/api/v1/courses/1/enrollment', undefined, row(401, 204, 204, 204)],
  ['PUT', '/api/v1/courses/:draft/enrollment', undefined, row(401, 404, 204, 204)],
  ['DELETE', '/api/v1/courses/1/enrollment', undefined, row(401, 204, 204, 204)],
  ['POST', '/api/v1/generation', generation, row(401, 202, 202, 202)],
  ['GET', '/api/v1/generation', undefined, row(401, 200, 200, 200)],
  ['GET', '/api/v1/generation/:generation', undefined, row(401, 404, 200, 404)],
  ['GET', '/api/v1/generation/:generation/events', undefined, row(401, 404, 200, 404)],
  ['GET', '/api/v1/generation/:generation/chapters', undefined, row(401, 404, 200, 404)],
  ['POST', '/api/v1/generation/:generation/retry', undefined, row(401, 404, 409, 404)],
  ['POST', '/api/v1/courses/:draft/chapters/:chapter/regenerate', undefined, row(401, 404, 202, 202)],
  ['DELETE', '/api/v1/generation/:generation', undefined, row(401, 404, 409, 404)],
  ['GET', '/api/v1/admin/cache', undefined, byLink(row(401, 403, 403, 200))],
  ['GET', '/api/v1/admin/cache/matching?pattern=x', undefined, byLink(row(401, 403, 403, 200))],
  ['GET', '/api/v1/admin/cache/history', undefined, byLink(row(401, 403, 403, 200))],
  ['GET', '/api/v1/admin/cache/keys', undefined, byLink(row(401, 403, 403, 200))],
  ['GET', '/api/v1/admin/cache/memory', undefined, byLink(row(401, 403, 403, 200))],
  ['GET', '/api/v1/admin/cache/entry?key=course:none', undefined, byLink(row(401, 403, 403, 404))],
  ['DELETE', '/api/v1/admin/cache/entry?key=course:none', undefined, row(401, 403, 403, 200)],
  ['DELETE', '/api/v1/admin/cache?pattern=course:0', undefined, row(401, 403, 403, 200)],
  ['GET', '/api/v1/admin/sessions', undefined, row(401, 403, 403, 200)],
  ['DELETE', '/api/v1/admin/sessions/:session', undefined, row(401, 403, 403, 204)],
  // A page, which ignores tokens.
  ['GET', '/admin/redis-stats/', undefined, byLink(row(401, 403, 403, 200, 401, 401, 401))],
  ['GET', '/metrics', undefined, all(200)],
  ['GET', '/api/v1/stats', undefined, all(200)],
  ['GET', '/api/v1/users', undefined, row(401, 403, 403, 200)],
  ['GET', '/api/v1/users/1', undefined, all(200)],
  ['PATCH', '/api/v1/users/2', { role: 'author' }, row(401, 403, 403, 200)],
  ['GET', '/api/v1/users/me', undefined, row(401, 200, 200, 200)],
  ['PATCH', '/api/v1/users/me', { bio: 'b' }, row(401, 200, 200, 200)],
  ['DELETE', '/api/v1/users/me', { password: 'wrong' }, bySession(row(401, 403, 403, 403))],
  ['GET', '/api/v1/users/me/export', undefined, bySession(row(401, 200, 200, 200))],
  ['GET', '/api/v1/users/me/courses', undefined, row(401, 200, 200, 200)],
  ['GET', '/api/v1/users/me/courses/1', undefined, row(401, 200, 200, 200)],
  ['GET', '/api/v1/users/me/courses/:draft', undefined, row(401, 404, 200, 200)],
  ['GET', '/api/v1/users/me/authored-courses', undefined, row(401, 200, 200, 200)],
  ['GET', '/api/v1/users/me/progress', undefined, row(401, 200, 200, 200)],
  ['GET', '/api/v1/users/me/progress/2', undefined, row(401, 404, 404, 404)],
  ['PUT', '/api/v1/users/me/progress/2/chapters/14', { completed: true }, row(401, 409, 409, 409)],
  ['GET', '/api/v1/auth/session', undefined, row(401, 200, 200, 200)],
  ['GET', '/api/v1/auth/tokens', undefined, bySession(row(401, 200, 200, 200))],
  ['POST', '/api/v1/auth/tokens', { name: 'x' }, bySession(row(401, 201, 201, 201))],
  ['POST', '/api/v1/auth/tokens', { name: 'x', scopes: ['admin'] }, bySession(row(401, 403, 403, 201))],
  ['DELETE', '/api/v1/auth/tokens/:token', undefined, bySession(row(401, 404, 204, 404))],
  ['GET', '/api/v1/auth/sessions', undefined, bySession(row(401, 200, 200, 200))],
  ['DELETE', '/api/v1/auth/sessions/:session', undefined, bySession(row(401, 404, 204, 404))],
  [
    'POST',
    '/api/v1/auth/password',
    { current: 'wrong', next: 'long enough it is' },
    bySession(row(401, 403, 403, 403))
  ],
  ['POST', '/api/v1/auth/password/forgot', { email: 'nobody@example.org' }, bySession(all(202))],
  ['POST', '/api/v1/auth/password/reset', { token: 'x', password: 'long enough it is' }, bySession(all(400))],
  ['POST', '/api/v1/auth/email/verify', { token: 'x' }, bySession(all(400))],
  ['POST', '/api/v1/auth/email/verification', undefined, bySession(row(401, 202, 202, 409))],
  ['POST', '/api/v1/auth/email', { email: 'x@example.org', password: 'wrong' }, bySession(row(401, 403, 403, 403))],
  ['POST', '/api/v1/auth/login', { email: 'nobody@example.org', password: 'x' }, bySession(all(401))]
]

t.test('every route answers each kind of client as the contract says', async (t) => {
  const service = await startService(t, { ...peopleEnvironment, RATE_LIMIT_GENERATION: '0', SESSION_SECRET: SECRET })
  const { app, url } = service
  const author = await register(url, 'author')
  const ended = await register(url, 'ended')
  await new Actor(url, ended.cookie).request('POST', '/api/v1/auth/logout')
  const deleted = await register(url, 'deleted')
  await app.database.client.user.delete({ where: { email: 'deleted@example.org' } })
  const actors: Record<Who, Actor> = {
    visitor: new Actor(url),
    other: await register(url, 'other'),
    author,
    admin: await admin(service),
    ended,
    deleted,
    token: withToken(url, (await makeToken(author, { name: 'all', scopes: ['read', 'write', 'generate'] })).token),
    link: new Actor(url, `admin-link=${new AdminLinks([SECRET]).cookie()}`)
  }

  const { id: written } = await generate(author, { modules: 1, chaptersPerModule: 1 })
  await over(author, written)

  const anotherSession = async () => {
    const { cookie } = await signIn(url, 'author@example.org', 'password of author')
    const { items } = await bodyOf(SessionList, await new Actor(url, cookie).get('/api/v1/auth/sessions'))
    return String(items.find(({ current }) => current)?.id)
  }

  let n = 0
  for (const [method, path, body, expected] of table) {
    await t.test(`${method} ${path}`, async (t) => {
      const fresh = async () => {
        if (!/:draft|:published/.test(path)) return { id: 0, moduleId: 0, chapterId: 0 }
        const draft = await draftOf(author)
        if (path.includes(':published'))
          await author.request('PATCH', `/api/v1/courses/${draft.id}`, { status: 'published' })
        return draft
      }
      // Refusals and reads leave the draft unchanged, so it can be shared; if one did change it, a later status would be wrong.
      const untouched = await fresh()
      for (const who of clients) {
        const changes = expected[who] < 300 && method !== 'GET' && method !== 'HEAD'
        const draft = changes ? await fresh() : untouched
        const filled = path
          .replace(/:draft|:published/, String(draft.id))
          .replace(':generation', written)
          .replace(':module', String(draft.moduleId))
          .replace(':chapter', String(draft.chapterId))
          .replace(':session', path.includes(':session') ? await anotherSession() : '')
          .replace(':token', path.includes(':token') ? String((await makeToken(author)).id) : '')
        const sent = body === undefined ? undefined : JSON.parse(JSON.stringify(body).replace(':n', String(++n)))
        const answer = await actors[who].request(method, filled, sent)
        t.equal(answer.status, expected[who], `${who}: ${answer.status}`)
        await answer.arrayBuffer()
      }
    })
  }

  const documented = Object.entries(app.swagger().paths ?? {}).flatMap(([path, methods]) =>
    Object.keys(methods ?? {}).map((method) => `${method.toUpperCase()} ${path.replace(/\{.*?\}/g, '*')}`)
  )
  const tested = new Set(
    table.map(([method, path]) => `${method} ${path.split('?')[0]?.replace(/\/(\d+|:\w+|data|none)(?=\/|$)/g, '/*')}`)
  )
  // The stream of the report lasts a minute; other tests read its first lines.
  const elsewhere = /\/auth\/(register|logout)|\/cache\/events/
  t.strictSame(
    documented.filter((operation) => !tested.has(operation) && !elsewhere.test(operation)),
    [],
    'the table covers every route'
  )
})
