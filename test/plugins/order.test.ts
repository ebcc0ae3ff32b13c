import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Actor, peopleEnvironment, register } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { bodyOf, lookInto, statusOf } from '../support/people.ts'
import { RedisServer } from '../support/redis.ts'
import { startService } from '../support/service.ts'

const FRONT_END = 'https://app.example'
/** After a start the service does not check its load for this long. */
const SETTLED_MS = 3100
/** Longer than the event loop delay that the service tolerates, and longer than it needs to notice one. */
const BLOCK_MS = 2500

/** Headers that a front end on another origin needs to read a refusal, and an operator to trace it. */
function checkReadable(t: Test, { headers }: Response) {
  t.equal(headers.get('access-control-allow-origin'), FRONT_END)
  t.equal(headers.get('access-control-allow-credentials'), 'true')
  t.match(headers.get('access-control-expose-headers'), /Retry-After/)
  t.equal(headers.get('x-content-type-options'), 'nosniff')
  t.match(headers.get('x-request-id'), /^[\w.-]+$/)
  t.match(headers.get('x-response-time'), /ms$/)
  t.ok(Number(headers.get('retry-after')) > 0)
}

/** Blocks the event loop, which the service shares with this test, until the service is overloaded. */
async function overload(isOverloaded: () => boolean): Promise<void> {
  for (let i = 0; i < 5 && !isOverloaded(); i++) {
    const end = performance.now() + BLOCK_MS
    while (performance.now() < end);
    await turn()
    await turn()
  }
}

t.test('a request refused by one plugin costs no look-up in the next', async (t) => {
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const env = { ...peopleEnvironment, REDIS_SESSION_URL: redis.url, CORS_ORIGINS: FRONT_END }
  const { app, url } = await startService(t, env, { server: { maxEventLoopDelayMs: BLOCK_MS / 2 } })
  const ann = await register(url, 'ann')
  const inRedis = lookInto(t, redis)
  /** The number of session reads so far. */
  const reads = async () => Number(/cmdstat_getrange:calls=(\d+)/.exec(await inRedis.info('commandstats'))?.[1] ?? 0)
  const session = (headers: Record<string, string> = {}) =>
    ann.get('/api/v1/auth/session', { origin: FRONT_END, ...headers })

  await t.test('the session is read for a request that no plugin refuses', async (t) => {
    const before = await reads()
    t.equal(await statusOf(session()), 200)
    t.equal(await reads(), before + 1)
  })

  await t.test('a preflight, an invalid request and a foreign origin do not read the session', async (t) => {
    const before = await reads()
    const asked = { origin: FRONT_END, 'access-control-request-method': 'PATCH' }
    t.equal(await statusOf(ann.request('OPTIONS', '/api/v1/users/me', undefined, asked)), 204)
    const foreign = { origin: 'https://evil.example' }
    t.equal(await statusOf(ann.request('PATCH', '/api/v1/users/me', { bio: 'x' }, foreign)), 403)
    t.equal(await reads(), before)
  })

  await t.test(
    'an overloaded process refuses before it reads the session, and the front end can read the refusal',
    async (t) => {
      await new Promise((resolve) => setTimeout(resolve, SETTLED_MS))
      const before = await reads()
      await overload(() => app.isUnderPressure())
      const [answer, health] = await Promise.all([session(), new Actor(url).get('/health/live')])
      t.match(await bodyOf(ErrorBody, answer, 503), { code: 'OVERLOADED' })
      checkReadable(t, answer)
      t.equal(await statusOf(Promise.resolve(health)), 200, 'health is still answered')
      t.equal(await reads(), before)
    }
  )

  await t.test('while sessions cannot be read, a front end on another origin can read the 503', async (t) => {
    while (app.isUnderPressure()) await new Promise((resolve) => setTimeout(resolve, 100))
    await redis.kill()
    const answer = await session()
    t.match(await bodyOf(ErrorBody, answer, 503), { code: 'SESSIONS_DOWN' })
    checkReadable(t, answer)
    t.same(answer.headers.getSetCookie(), [], 'the client keeps its cookie')
    t.equal(await statusOf(ann.get('/api/v1/courses/1')), 200, 'public routes still answer')
    t.equal(await statusOf(new Actor(url).get('/api/v1/auth/session')), 401, 'a visitor has no session to read')
  })
})
