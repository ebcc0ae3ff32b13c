import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { until } from '../support/eventually.ts'
import { send } from '../support/http.ts'
import { startService } from '../support/service.ts'

const LIMIT = 30
const SOON_MS = 2000
const ALL = ['onRequest', 'onSend', 'onResponse']
const COURSE = '/api/v1/courses/1'

/** A plugin added by a third party: it records which of its hooks ran for each request. */
function recordingPlugin() {
  const ran = new Map<string, string[]>()
  const note = (id: string, hook: string) => ran.set(id, [...(ran.get(id) ?? []), hook])
  const extend = (app: FastifyInstance): void => {
    app.addHook('onRequest', async ({ id }) => void note(id, 'onRequest'))
    app.addHook('onSend', async ({ id }, reply) => {
      note(id, 'onSend')
      reply.header('x-added', 'yes')
    })
    app.addHook('onResponse', async ({ id }) => void note(id, 'onResponse'))
    app.get('/broken', { config: { public: true } }, async () => {
      throw new Error('a fault')
    })
  }
  return { extend, hooksOf: (id: string) => ran.get(id) ?? [] }
}

for (const FRONT_DOOR of ['on', 'off']) {
  t.test(
    `the hooks of an added plugin run for every request on the normal path, with FRONT_DOOR=${FRONT_DOOR}`,
    async (t) => {
      const { extend, hooksOf } = recordingPlugin()
      const env = { FRONT_DOOR, RATE_LIMIT_ANONYMOUS: String(LIMIT), TRUST_PROXY: 'true' }
      const { url } = await startService(t, env, { extend })
      let requests = 0
      const ask = async (path: string, headers: Record<string, string> = {}) => {
        const id = `request-${++requests}`
        const answer = await send(url + path, { headers: { 'x-request-id': id, ...headers } })
        return { id, status: answer.status, cache: answer.headers.get('x-cache'), headers: answer.headers }
      }
      const checkRan = async (what: string, { id, headers }: { id: string; headers: Headers }) => {
        await until(() => hooksOf(id).length >= ALL.length, SOON_MS).catch(() => {})
        t.same(hooksOf(id), ALL, what)
        t.equal(headers.get('x-added'), 'yes', `${what} has the header`)
      }
      const miss = await ask(COURSE)
      const matching = { 'if-none-match': miss.headers.get('etag') ?? '' }
      // The order matters: the first hit and its first 304 take the normal path.
      const expected: [string, number, string | null, string, Record<string, string>?][] = [
        ['a hit', 200, 'HIT', COURSE],
        ['a 304', 304, 'HIT', COURSE, matching],
        ['a 304 after a miss', 304, 'MISS', '/api/v1/courses/2', { 'if-none-match': '*' }],
        ['a missing course', 404, 'MISS', '/api/v1/courses/999999'],
        ['a missing course, from the cache', 404, 'MISS', '/api/v1/courses/999999'],
        ['a missing route', 404, null, '/nothing'],
        ['a bad parameter', 400, null, '/api/v1/courses/x'],
        ['a bad query', 400, null, `${COURSE}?x=1`],
        ['a visitor without a session', 401, null, '/api/v1/users/me'],
        ['a fault', 500, null, '/broken']
      ]
      t.same([miss.status, miss.cache], [200, 'MISS'])
      await checkRan('a miss', miss)
      for (const [what, status, cache, path, headers] of expected) {
        const answer = await ask(path, headers)
        t.same([answer.status, answer.cache], [status, cache], what)
        await checkRan(what, answer)
      }
      const greedy = { 'x-forwarded-for': '10.0.0.9' }
      for (let i = 0; i < LIMIT; i++) await ask('/api/v1/users/me', greedy)
      for (const [what, path] of [
        ['the limit', '/api/v1/users/me'],
        ['the limit, on a route that the front door serves', COURSE]
      ] as const) {
        const limited = await ask(path, greedy)
        t.equal(limited.status, 429, what)
        await checkRan(what, limited)
      }

      // The front door answers only after it has recorded two answers of the normal path.
      for (const headers of [{}, {}, matching, matching]) await ask(COURSE, headers)
      for (const [status, headers] of [
        [200, {}],
        [304, matching]
      ] as const) {
        const again = await ask(COURSE, headers)
        t.same([again.status, again.cache], [status, 'HIT'])
        if (FRONT_DOOR === 'off') await checkRan(`another ${status}`, again)
        else {
          // If hooks had run for this request, they would have run before those of the next.
          await checkRan('the next', await ask('/nothing'))
          t.same(hooksOf(again.id), [], `no hook runs for a ${status} from the front door`)
        }
      }
    }
  )
}
