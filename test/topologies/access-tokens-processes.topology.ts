import t from 'tap'
import { digestOf } from '#access-tokens/token.ts'
import { Actor, ADMIN, register, signIn } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { generate, PATH } from '../support/generations.ts'
import { ModelServer } from '../support/model-server.ts'
import { bodyOf, eventually, lookInto, OwnUser, spawnFor, startStack, statusOf } from '../support/people.ts'
import { makeToken, TOKENS, withToken } from '../support/tokens.ts'

const ME = '/api/v1/users/me'
/** One heartbeat, plus slack for a busy machine. */
const SOON_MS = 9000

t.test('access tokens on two processes that share PostgreSQL and Redis', async (t) => {
  const model = await ModelServer.start(t)
  const { redis, postgres, env: stack } = await startStack(t, '--appendonly', 'yes', '--appendfsync', 'always')
  const env = { ...stack, ...model.env, LOG_LEVEL: 'trace' }
  const one = await spawnFor(t, env)
  const other = await spawnFor(t, env)
  const ann = await register(one.url, 'ann')
  const tokens: string[] = []
  const make = async (actor: Actor, body?: object) => {
    const made = await makeToken(actor, body)
    tokens.push(made.token)
    return made
  }

  await t.test('an acknowledged revocation applies at once, on both processes', async (t) => {
    for (let i = 0; i < 20; i++) {
      const [reader, writer] = i % 2 === 0 ? [one.url, other.url] : [other.url, one.url]
      const { token, id } = await make(ann)
      const script = withToken(reader, token)
      const reads = [ME, '/api/v1/courses/1', '/api/v1/auth/session']
      for (const path of reads) t.equal(await statusOf(script.get(path)), 200, path)
      t.equal(await statusOf(new Actor(writer, ann.cookie).request('DELETE', `${TOKENS}/${id}`)), 204)
      const after = [script, withToken(writer, token)].flatMap((actor) =>
        reads.map((path) => statusOf(actor.get(path)))
      )
      t.same(new Set(await Promise.all(after)), new Set([401]))
    }
  })

  await t.test('a revoked role applies at once, on both processes', async (t) => {
    const boss = await signIn(one.url, ADMIN.email, ADMIN.password)
    const ben = await register(one.url, 'ben')
    const { id } = await bodyOf(OwnUser, await ben.get(ME))
    const setRole = (role: string) => statusOf(boss.request('PATCH', `/api/v1/users/${id}`, { role }))
    t.equal(await setRole('admin'), 200)
    const there = withToken(other.url, (await make(ben, { name: 'x', scopes: ['admin'] })).token)
    t.equal(await statusOf(there.get('/api/v1/users')), 200)
    t.equal(await setRole('author'), 200)
    t.equal(await statusOf(there.get('/api/v1/users')), 403)
  })

  await t.test('an event stream ends when its token is revoked', async (t) => {
    model.behaviour = () => new Promise(() => {})
    const { id: generation } = await generate(ann, { topic: 'Chess endgames' })
    const { token, id } = await make(ann)
    const answer = await withToken(other.url, token).get(`${PATH}/${generation}/events`)
    let text = ''
    let isOver = false
    const reading = (async () => {
      const decoder = new TextDecoder()
      for await (const chunk of answer.body ?? []) text += decoder.decode(chunk, { stream: true })
      isOver = true
    })()
    await until(() => text.includes('data: '), 5000)
    await new Promise((resolve) => setTimeout(resolve, SOON_MS - 3000))
    t.equal(isOver, false, 'the stream continues while the token is valid')
    t.equal(await statusOf(ann.request('DELETE', `${TOKENS}/${id}`)), 204)
    await until(() => isOver, SOON_MS)
    await reading
    t.match(text, /event: ended\ndata: \{"code":"NOT_SIGNED_IN"/)
    t.equal(await statusOf(ann.request('DELETE', `${PATH}/${generation}`)), 202)
  })

  await t.test('without Redis, valid tokens are accepted and revoked ones refused', async (t) => {
    const { token, id } = await make(ann)
    const { token: second } = await make(ann)
    t.equal(await statusOf(ann.request('DELETE', `${TOKENS}/${id}`)), 204)
    const keys = await lookInto(t, redis).keys('*')
    t.ok(keys.length > 0)
    for (const secret of tokens) t.notMatch(keys.join('\n'), secret.slice(8))
    await redis.kill()
    t.equal(await statusOf(withToken(other.url, second).get(ME)), 200)
    t.equal(await statusOf(withToken(other.url, token).get(ME)), 401)
    await redis.resume()
    t.ok(await eventually(async () => (await statusOf(ann.get(ME))) === 200))
  })

  await t.test(
    'while the database is down, a request with a token is 503, and public reads are answered',
    async (t) => {
      const { token } = await make(ann)
      const script = withToken(one.url, token)
      // Redis was restarted by the previous test: wait until the cache uses it again.
      const isHit = async () => (await script.get('/api/v1/courses/1')).headers.get('x-cache') === 'HIT'
      t.ok(await eventually(isHit))
      await postgres.shutDown()
      for (const path of [ME, '/api/v1/auth/session']) {
        const answer = await script.get(path)
        t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/)
        t.match(await bodyOf(ErrorBody, answer, 503), { code: /^DATABASE/ })
      }
      t.equal(await statusOf(script.request('PATCH', ME, { bio: 'x' })), 503)
      t.equal(await statusOf(script.get('/api/v1/courses/1')), 200)
      await postgres.resume()
      t.ok(await eventually(async () => (await statusOf(script.get(ME))) === 200))
    }
  )

  await t.test(
    'no log line, metric or error contains a token or its digest; the audit log names the action',
    async (t) => {
      const { token, id } = await make(ann)
      const script = withToken(one.url, token)
      t.equal(await statusOf(script.request('PATCH', ME, { bio: 5 })), 400)
      t.equal(await statusOf(withToken(one.url, `${token}x`).get(ME)), 401)
      t.equal(await statusOf(fetch(`${one.url}/api/v1/courses?access_token=${token}`)), 400)
      t.equal(await statusOf(fetch(`${one.url}/%?access_token=${token}`)), 400)
      t.equal(await statusOf(ann.request('DELETE', `${TOKENS}/${id}`)), 204)
      t.equal(await statusOf(script.get(ME)), 401)
      const metrics = await (await fetch(`${one.url}/metrics`)).text()
      t.match(metrics, 'route="/api/v1/auth/tokens"')
      await Promise.all([one.kill('SIGTERM'), other.kill('SIGTERM')])
      const log = one.output() + other.output()
      t.match(
        log,
        new RegExp(`"audit":"account action","user":\\d+,"method":"POST".*"status":201,"made":\\{"id":${id},`)
      )
      t.match(
        log,
        new RegExp(`"audit":"account action","user":\\d+,"method":"DELETE".*"status":204,"revoked":${id}\\b`)
      )
      t.notMatch(log, /"audit":[^\n]*ann@/)
      t.ok(tokens.length > 20)
      for (const secret of tokens) {
        // Only a part of a token is ever shown.
        for (const part of [secret.slice(8), secret.slice(0, 16), digestOf(secret)])
          t.notOk((log + metrics).includes(part))
      }
    }
  )
})
