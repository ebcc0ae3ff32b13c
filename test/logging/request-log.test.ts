import { once } from 'node:events'
import { createServer } from 'node:http'
import t, { type Test } from 'tap'
import { Type } from 'typebox'
import { Actor, ADMIN, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { until } from '../support/eventually.ts'
import { wanted } from '../support/generations.ts'
import { bodyOf, OwnUser, statusOf } from '../support/people.ts'
import { runScript } from '../support/script.ts'
import { copySeededDataDir } from '../support/seeded-data-dir.ts'
import { spawnService, temporaryFolder } from '../support/service.ts'

const SECRETS = {
  SESSION_SECRET: 'the-secret-of-the-sessions-is-long-enough',
  METRICS_TOKEN: 'the-token-of-the-metrics',
  LLM_API_KEY: 'sk-the-key-of-the-model'
}

t.test(
  'with LOG_SAMPLE, ordinary requests are left out, others are logged, and no line contains a secret',
  async (t) => {
    const DATA_DIR = await temporaryFolder(t)
    await copySeededDataDir(DATA_DIR)
    const LLM_BASE_URL = `http://user:sk-in-the-url@127.0.0.1:${await quotingModel(t)}/v1?key=sk-in-the-query`
    const env = { ...peopleEnvironment, ...SECRETS, DATA_DIR, LLM_PROVIDER: 'openai', LLM_BASE_URL }
    const { url, kill, output } = await spawnService({ ...env, LOG_LEVEL: 'debug', LOG_SAMPLE: '1000000' })
    t.teardown(() => kill('SIGKILL'))
    const visitor = new Actor(url)
    const ann = await register(url, 'ann')
    const admin = await signIn(url, ADMIN.email, ADMIN.password)
    const { id } = await bodyOf(OwnUser, await ann.get('/api/v1/users/me'))
    const ask = (by: Actor, method: string, path: string, body?: object, headers = {}) =>
      statusOf(by.request(method, path, body, headers))

    for (let i = 0; i < 20; i++) t.equal(await ask(visitor, 'GET', '/api/v1/courses/1'), 200)
    t.equal(await ask(visitor, 'GET', '/api/v1/courses/999'), 404)
    t.equal(await ask(admin, 'PATCH', `/api/v1/users/${id}`, { role: 'author' }), 200)
    const login = { email: 'ann@example.org', password: 'a guess at her password' }
    t.equal(await ask(visitor, 'POST', '/api/v1/auth/login', login), 401)
    const { token } = await bodyOf(
      Type.Object({ token: Type.String() }),
      await ann.request('POST', '/api/v1/auth/tokens', { name: 'mine', scopes: ['read'] }),
      201
    )
    const withToken = { authorization: `Bearer ${token}` }
    t.equal(await ask(visitor, 'GET', '/api/v1/users/me', undefined, withToken), 200)
    t.equal(await ask(visitor, 'GET', `/api/v1/courses?access_token=${token}`), 400)
    t.equal(await ask(visitor, 'GET', '/metrics', undefined, { authorization: `Bearer ${SECRETS.METRICS_TOKEN}` }), 200)
    t.equal(await ask(visitor, 'GET', '/metrics'), 401)
    t.equal(await ask(ann, 'POST', '/api/v1/generation', wanted), 202)
    await until(() => output().includes('"msg":"generation failed'), 10_000)
    await kill('SIGTERM')

    const lines = output()
    const requests = [...lines.matchAll(/^.*"msg":"request"\}$/gm)].map(([line]) => JSON.parse(line))
    t.same(
      requests.map(({ status, route }) => [status, route]),
      [
        [404, '/api/v1/courses/:id'],
        [401, '/api/v1/auth/login'],
        [400, '/api/v1/courses'],
        [401, '/metrics']
      ]
    )
    t.match(lines, `"audit":"role changed"`, 'actions of admins')
    t.match(lines, `"audit":"account action"`, 'the creation of a token')
    const secrets = [
      ...Object.values(SECRETS),
      ...['sk-in-the-url', 'sk-in-the-query', ADMIN.password, 'password of ann', login.password, token],
      ...[ann, admin].map(({ cookie }) => cookie.slice(cookie.indexOf('=') + 1))
    ]
    for (const secret of secrets) t.ok(secret.length > 8 && !lines.includes(secret), `not in the log: ${secret}`)
  }
)

t.test('an unreachable database is reported without its password', async (t) => {
  const DATABASE_URL = 'postgresql://ann:p4ssw0rd-of-the-database@127.0.0.1:1/academy?sslpassword=p4ssw0rd-of-the-key'
  const commands: [string, ...string[]][] = [
    ['src/server.ts'],
    ['src/cli/migrate.ts'],
    ['src/cli/backup.ts', '--into', await temporaryFolder(t)]
  ]
  for (const [name, ...args] of commands) {
    const { code, stdout, stderr } = await runScript(name, { DATABASE_URL }, ...args)
    t.equal(code, 1, name)
    t.match(stdout + stderr, /ECONNREFUSED|Connection refused/i)
    t.notMatch(stdout + stderr, 'p4ssw0rd')
  }
})

/** Starts a model server whose refusals quote the key and the URL of the request; resolves to its port. */
async function quotingModel(t: Test): Promise<number> {
  const server = createServer(({ url, headers }, response) => {
    response.writeHead(401, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: { message: `wrong key: ${headers.authorization}, ${url}` } }))
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
