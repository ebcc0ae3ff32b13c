import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { newToken } from '#access-tokens/token.ts'
import { type Actor, ADMIN, draftOf, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'
import { ErrorBody } from '../support/contract.ts'
import { bodyOf, eventually, OwnUser, SessionUser, statusOf } from '../support/people.ts'
import { AccessTokenList, makeToken, TOKENS, withToken } from '../support/tokens.ts'

const ME = '/api/v1/users/me'
const COURSE = { title: 'T', summary: 'S', description: 'D', level: 'beginner', language: 'en' }
const DAY_MS = 86_400_000

const codeOf = async (answer: Promise<Response>, status: number) => (await bodyOf(ErrorBody, await answer, status)).code
const listOf = async (actor: Actor) => (await bodyOf(AccessTokenList, await actor.get(TOKENS))).items

bothWays(
  t,
  async (t, { app, url }) => {
    const boss = await signIn(url, ADMIN.email, ADMIN.password)
    const ann = await register(url, 'ann')
    const { client } = app.database

    await t.test('a token is shown once, and the list does not contain it', async (t) => {
      const before = Date.now()
      const { token, ...made } = await makeToken(ann, { name: 'backup' })
      t.match(token, /^aka_[0-9A-Za-z]{49}$/)
      t.match(made, { name: 'backup', prefix: token.slice(0, 8), scopes: ['read', 'write'], lastUsedAt: null })
      const days = (Date.parse(made.expiresAt) - before) / DAY_MS
      t.ok(days >= 30 && days < 30.01, `${days} days`)
      const second = await makeToken(ann, { name: 'phone', expiresInDays: 365, scopes: ['generate', 'read'] })
      t.same(second.scopes, ['read', 'generate'])
      t.not(second.token, token)

      const answer = await ann.get(TOKENS)
      t.match(answer.headers.get('cache-control'), /no-store/)
      const text = await answer.text()
      t.notMatch(text, token.slice(8))
      t.same(
        (await listOf(ann)).map(({ name }) => name),
        ['phone', 'backup'],
        'newest first'
      )
      t.same((await listOf(ann))[1], made)
      t.same(await listOf(boss), [], 'each user sees only his own')
    })

    await t.test('the database keeps a digest, and nothing that works as a token', async (t) => {
      const { token, id } = await makeToken(ann)
      const row = await client.accessToken.findUniqueOrThrow({ where: { id } })
      t.notMatch(JSON.stringify(row), token.slice(8))
      t.equal(await statusOf(withToken(url, row.digest).get(ME)), 401)
    })

    await t.test('an invalid token request is 400 and names the field', async (t) => {
      const wrong: [object, RegExp][] = [
        [{}, /name/],
        [{ name: ' ' }, /name/],
        [{ name: 'x', expiresInDays: 0 }, /expiresInDays/],
        [{ name: 'x', expiresInDays: 366 }, /expiresInDays/],
        [{ name: 'x', expiresInDays: 1.5 }, /expiresInDays/],
        [{ name: 'x', scopes: [] }, /scopes/],
        [{ name: 'x', scopes: ['read', 'read'] }, /scopes/],
        [{ name: 'x', scopes: ['root'] }, /scopes/],
        [{ name: 'x', userId: 1 }, /userId/]
      ]
      for (const [body, message] of wrong) {
        t.match(await bodyOf(ErrorBody, await ann.request('POST', TOKENS, body), 400), { message })
      }
    })

    await t.test('a token acts as its user, and its last use is listed within a minute', async (t) => {
      const { token, id } = await makeToken(ann)
      const script = withToken(url, token)
      const me = await bodyOf(OwnUser, await ann.get(ME))
      t.same(await bodyOf(OwnUser, await script.get(ME)), me)
      t.same((await bodyOf(SessionUser, await script.get('/api/v1/auth/session'))).user, me)
      t.equal(await statusOf(script.request('POST', '/api/v1/courses', COURSE)), 201)
      const lastUse = async () => (await client.accessToken.findUniqueOrThrow({ where: { id } })).lastUsedAt
      t.ok(await eventually(async () => (await lastUse()) !== null))
      const first = await lastUse()
      t.match((await listOf(ann))[0], { id, lastUsedAt: first?.toISOString() })
      await sleep(20)
      for (let i = 0; i < 3; i++) t.equal(await statusOf(script.get(ME)), 200)
      await sleep(200)
      t.same(await lastUse(), first, 'the last use is written once a minute at most')
    })

    await t.test('cookies sent with a token are ignored, and none is set', async (t) => {
      const { token } = await makeToken(ann)
      const both = withToken(url, token, boss.cookie)
      const { sessionStore } = app
      const get = sessionStore.get.bind(sessionStore)
      let reads = 0
      sessionStore.get = (id, callback) => {
        reads++
        get(id, callback)
      }
      const answer = await both.get(ME)
      t.equal(reads, 0, 'the session is not read')
      t.equal(await statusOf(boss.get(ME)), 200)
      t.equal(reads, 1, 'without a token it is read')
      t.same(answer.headers.getSetCookie(), [])
      t.equal((await bodyOf(OwnUser, answer)).name, 'ann')
      const wrong = withToken(url, 'aka_wrong', boss.cookie)
      for (const path of [ME, '/api/v1/courses/1']) {
        const refused = await wrong.get(path)
        t.same([refused.status, refused.headers.getSetCookie()], [401, []], 'the session is no fallback')
      }
      t.equal(
        await statusOf(boss.get(ME, { authorization: 'Basic eDp4' })),
        200,
        'Basic credentials for a proxy are ignored'
      )
    })

    await t.test('a token may be used from any origin, unlike a session', async (t) => {
      const { token } = await makeToken(ann)
      const origin = { origin: 'https://evil.example' }
      const change = (actor: Actor) => statusOf(actor.request('PATCH', ME, { bio: 'b' }, origin))
      t.equal(await change(ann), 403)
      t.equal(await change(withToken(url, token)), 200)
      t.equal(await change(withToken(url, 'aka_wrong', ann.cookie)), 401, 'the cookie is still ignored')
    })

    await t.test('a preflight allows Authorization only to configured front ends', async (t) => {
      const asked = { 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'authorization' }
      const preflight = (origin: string) => fetch(url + ME, { method: 'OPTIONS', headers: { ...asked, origin } })
      const { headers } = await preflight('https://app.example')
      t.match(headers.get('access-control-allow-headers'), /authorization/i)
      t.equal(headers.get('access-control-allow-origin'), 'https://app.example')
      t.equal((await preflight('https://evil.example')).headers.get('access-control-allow-origin'), null)
    })

    await t.test('a wrong token is 401, even on public routes and cache hits', async (t) => {
      const { token } = await makeToken(ann)
      const { token: expired, id } = await makeToken(ann)
      await client.accessToken.update({ where: { id }, data: { expiresAt: new Date(Date.now() - 1) } })
      const last = token.endsWith('0') ? '1' : '0'
      const wrong = [
        '',
        'aka_',
        `${token.slice(0, -1)}${last}`,
        token.toLowerCase(),
        `${token} ${token}`,
        `${token}, Bearer ${token}`,
        expired,
        newToken()
      ]
      for (let i = 0; i < 3; i++) await statusOf(fetch(`${url}/api/v1/courses/1`))
      for (const text of wrong) {
        for (const path of [ME, '/api/v1/courses/1', '/api/v1/stats']) {
          const answer = await withToken(url, text).get(path)
          t.match(
            answer.headers.get('www-authenticate'),
            /^Bearer realm="[^"]+", error="invalid_token"$/,
            `${text} ${path}`
          )
          t.match(answer.headers.get('cache-control'), /no-store/)
          t.match(await bodyOf(ErrorBody, answer, 401), { code: 'INVALID_TOKEN' })
        }
      }
      t.equal(await statusOf(withToken(url, token).get('/api/v1/courses/1')), 200)
      t.ok(
        (await listOf(ann)).some((listed) => listed.id === id),
        'its owner sees the reason'
      )
    })

    await t.test('an operation requires its scope, and a 403 names it', async (t) => {
      const generation = { topic: 'Chess', level: 'beginner', language: 'en', modules: 1, chaptersPerModule: 1 }
      const operations: Record<string, [string, (actor: Actor) => Promise<Response>]> = {
        'own data': ['read', (actor) => actor.get(ME)],
        'public data': ['read', (actor) => actor.get('/api/v1/courses/1')],
        'a change': ['write', (actor) => actor.request('PATCH', ME, { bio: 'x' })],
        'a course': ['write', (actor) => actor.request('POST', '/api/v1/courses', COURSE)],
        'a generation': ['generate', (actor) => actor.request('POST', '/api/v1/generation', generation)],
        'a read of admins': ['admin', (actor) => actor.get('/api/v1/users')],
        'a change of admins': ['admin', (actor) => actor.request('DELETE', '/api/v1/categories/none')]
      }
      for (const scope of ['read', 'write', 'generate', 'admin']) {
        const { token } = await makeToken(boss, { name: scope, scopes: [scope] })
        for (const [name, [needed, ask]] of Object.entries(operations)) {
          const answer = await ask(withToken(url, token))
          if (scope === needed) t.ok(answer.ok || answer.status === 404, `${name} with ${scope}: ${answer.status}`)
          else {
            t.match(
              answer.headers.get('www-authenticate'),
              new RegExp(`^Bearer realm="[^"]+", error="insufficient_scope", scope="${needed}"$`)
            )
            t.equal(await codeOf(Promise.resolve(answer), 403), 'INSUFFICIENT_SCOPE', `${name} with ${scope}`)
          }
        }
      }
    })

    await t.test(
      'a token never exceeds the rights of its user, and needs the admin scope for admin routes',
      async (t) => {
        const all = ['read', 'write', 'generate', 'admin']
        t.equal(await codeOf(ann.request('POST', TOKENS, { name: 'x', scopes: all }), 403), 'ADMINS_ONLY')
        const { id: draft } = await draftOf(ann)
        const { token: plain } = await makeToken(boss)
        const { token: full } = await makeToken(boss, { name: 'full', scopes: all })
        const rename = (token: string) =>
          withToken(url, token).request('PATCH', `/api/v1/courses/${draft}`, { title: 'U' })
        t.equal(await statusOf(rename(plain)), 404, 'a draft of another user')
        t.equal(await statusOf(withToken(url, plain).get(`/api/v1/courses/${draft}`)), 404)
        t.equal(await statusOf(rename(full)), 200)

        const me = await withToken(url, plain).get(ME)
        const etag = me.headers.get('etag') ?? ''
        t.match(await bodyOf(OwnUser, me), { role: 'admin' }, 'the account keeps its role')
        t.equal(await statusOf(withToken(url, plain).request('PATCH', ME, { bio: 'c' }, { 'if-match': etag })), 200)

        const carl = await register(url, 'carl')
        const { id } = await bodyOf(OwnUser, await carl.get(ME))
        const setRole = (role: string) => statusOf(boss.request('PATCH', `/api/v1/users/${id}`, { role }))
        t.equal(await setRole('admin'), 200)
        const { token } = await makeToken(carl, { name: 'x', scopes: all })
        t.equal(await statusOf(withToken(url, token).get('/api/v1/users')), 200)
        t.equal(await setRole('student'), 200)
        t.equal(await codeOf(withToken(url, token).get('/api/v1/users'), 403), 'ADMINS_ONLY', 'at once')
      }
    )

    await t.test('routes for sessions and tokens refuse tokens', async (t) => {
      const { token, id } = await makeToken(ann)
      const script = withToken(url, token)
      const account = { email: 'ann@example.org', password: 'password of ann' }
      const requests: [string, string, unknown][] = [
        ['GET', TOKENS, undefined],
        ['POST', TOKENS, { name: 'x' }],
        ['DELETE', `${TOKENS}/${id}`, undefined],
        ['POST', '/api/v1/auth/login', account],
        ['POST', '/api/v1/auth/register', { ...account, name: 'x' }],
        ['POST', '/api/v1/auth/logout', undefined],
        ['POST', '/api/v1/auth/logout-everywhere', undefined],
        ['POST', '/api/v1/auth/password', { current: account.password, next: 'another password' }],
        ['PATCH', '/api/v1/users/1', { role: 'admin' }]
      ]
      for (const [method, path, body] of requests) {
        const answer = await script.request(method, path, body)
        t.same(answer.headers.getSetCookie(), [], path)
        t.equal(await codeOf(Promise.resolve(answer), 403), 'SESSION_ONLY', `${method} ${path}`)
      }
      const tokenless = ['/api/v1/auth/session']
      for (const [path, item] of Object.entries(app.swagger().paths ?? {})) {
        if (!path.startsWith('/api/v1/auth/') || tokenless.includes(path)) continue
        t.notMatch(JSON.stringify(item), '"bearer"', `${path} is documented without bearer security`)
      }
    })

    await t.test('only its owner can revoke a token, which is refused from then on', async (t) => {
      const { token, id } = await makeToken(ann)
      const script = withToken(url, token)
      t.equal(await statusOf(script.get(ME)), 200)
      t.equal(await statusOf(boss.request('DELETE', `${TOKENS}/${id}`)), 404)
      t.equal(await statusOf(script.get(ME)), 200)
      t.equal(await statusOf(ann.request('DELETE', `${TOKENS}/${id}`)), 204)
      t.equal(await statusOf(script.get(ME)), 401)
      t.equal(await statusOf(ann.request('DELETE', `${TOKENS}/${id}`)), 404)
      t.notOk((await listOf(ann)).some((listed) => listed.id === id))
    })

    await t.test('a token outlives sessions and passwords, and is deleted with the account', async (t) => {
      const dora = await register(url, 'dora')
      const { token } = await makeToken(dora)
      const script = withToken(url, token)
      const change = { current: 'password of dora', next: 'another password' }
      t.equal(await statusOf(dora.request('POST', '/api/v1/auth/password', change)), 204)
      t.equal(await statusOf(script.get(ME)), 200)
      const again = await signIn(url, 'dora@example.org', change.next)
      t.equal(await statusOf(again.request('POST', '/api/v1/auth/logout-everywhere')), 204)
      t.equal(await statusOf(script.get(ME)), 200)
      await client.user.delete({ where: { email: 'dora@example.org' } })
      t.equal(await codeOf(script.get(ME), 401), 'INVALID_TOKEN')
    })

    await t.test('an account has at most fifty valid tokens; expired ones do not count', async (t) => {
      const eve = await register(url, 'eve')
      const { id } = await bodyOf(OwnUser, await eve.get(ME))
      const make = () => statusOf(eve.request('POST', TOKENS, { name: 'x' }))
      for (let n = 0; n < 46; n++) t.equal(await make(), 201)
      const statuses = await Promise.all(Array.from({ length: 8 }, make))
      t.same(statuses.sort(), [201, 201, 201, 201, 409, 409, 409, 409], 'exactly, even under concurrent requests')
      t.equal(await codeOf(eve.request('POST', TOKENS, { name: 'x' }), 409), 'QUOTA_TOKENS')
      const [newest] = await listOf(eve)
      await client.accessToken.update({ where: { id: newest?.id ?? 0 }, data: { expiresAt: new Date() } })
      t.equal(await statusOf(eve.request('POST', TOKENS, { name: 'y' })), 201)
      t.equal(await client.accessToken.count({ where: { userId: id } }), 50)
    })

    await t.test('an ended session cannot create a token', async (t) => {
      const { id } = await makeToken(ann)
      t.equal(await statusOf(ann.request('POST', '/api/v1/auth/logout')), 204)
      t.equal(await statusOf(ann.request('POST', TOKENS, { name: 'x' })), 401)
      t.equal(await statusOf(ann.request('DELETE', `${TOKENS}/${id}`)), 401)
      t.equal(await client.accessToken.count({ where: { id } }), 1)
    })

    await t.test('OpenAPI names the scope of each operation', async (t) => {
      const document = app.swagger()
      t.match(document, { components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } } })
      const scopes: Record<string, string> = {}
      for (const [path, item] of Object.entries(document.paths ?? {})) {
        for (const [method, operation] of Object.entries(item ?? {})) {
          const { 'x-scope': scope = '' }: { 'x-scope'?: string } = Object(operation)
          scopes[`${method} ${path}`] = scope
        }
      }
      t.match(scopes, {
        'get /api/v1/users/me': 'read',
        'patch /api/v1/users/me': 'write',
        'get /api/v1/users': 'admin',
        'post /api/v1/categories': 'admin'
      })
      for (const [operation, scope] of Object.entries(scopes)) {
        if (/^(post|delete) .*\/(generation|regenerate)/.test(operation)) t.equal(scope, 'generate', operation)
      }
    })
  },
  { env: { ...peopleEnvironment, CORS_ORIGINS: 'https://app.example' } }
)
