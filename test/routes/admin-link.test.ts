import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { AdminReport } from '#observability/report-shapes.ts'
import { AdminLinks } from '#sessions/admin-link.ts'
import { Signer } from '#sessions/signer.ts'
import { Actor, admin, peopleEnvironment, register } from '../support/actors.ts'
import { timed, until } from '../support/eventually.ts'
import { send } from '../support/http.ts'
import { bodyOf, statusOf } from '../support/people.ts'
import { RedisServer } from '../support/redis.ts'
import { runScript } from '../support/script.ts'
import { copySeededDataDir } from '../support/seeded-data-dir.ts'
import { startService, temporaryFolder } from '../support/service.ts'

const PAGE = '/admin/redis-stats/'
const PATH = '/api/v1/admin/cache'
const SECRET = 'the secret of the tests is long enough'

/** The link that the command prints, as a path of the service. */
async function linkOf(t: Test, env: Record<string, string>): Promise<string> {
  const { code, stdout } = await runScript('src/cli/admin-link.ts', env)
  t.equal(code, 0)
  t.match(stdout, /^http:\/\/\S+\/admin\/redis-stats\/\?token=\S+\n$/)
  const { pathname, search } = new URL(stdout)
  return pathname + search
}

/** A client that opens a link in a new browser. */
async function open(t: Test, url: string, link: string, cookie = ''): Promise<Actor> {
  const { status, headers } = await send(url + link, { headers: { cookie } })
  t.equal(status, 303)
  t.equal(headers.get('location'), PAGE)
  t.equal(headers.get('cache-control'), 'private, no-store')
  const [set = ''] = headers.getSetCookie()
  t.match(set, /^admin-link=[\w.-]+; Max-Age=3600; Path=\/; HttpOnly; SameSite=Strict$/)
  return new Actor(url, [cookie, set.split(';')[0]].filter(Boolean).join('; '))
}

t.test('an operator without an account can read the admin pages by a link', async (t) => {
  const redis = await RedisServer.start()
  t.teardown(() => redis.stop())
  const dataDir = await temporaryFolder(t)
  await copySeededDataDir(dataDir)
  const service = await startService(t, {
    ...peopleEnvironment,
    RATE_LIMIT_ANONYMOUS: '8',
    RATE_LIMIT_USER: '1000',
    REDIS_URL: redis.url,
    DATA_DIR: dataDir
  })
  const { url } = service
  // Embedded, without SESSION_SECRET: the process keeps a secret for links in its folder.
  const link = await linkOf(t, { DATA_DIR: dataDir, HOST: '0.0.0.0' })
  t.equal((await stat(join(dataDir, 'admin-link.secret'))).mode & 0o777, 0o600)
  const boss = await admin(service)
  const ann = await register(url, 'ann')
  const operator = await open(t, url, link)

  await t.test('a link opens the page, the report, its stream, keys and entries, and nothing else', async (t) => {
    t.match(await (await operator.get(PAGE)).text(), 'page.js')
    t.match(await bodyOf(AdminReport, await operator.get(PATH)), { access: 'link', store: { state: 'trusted' } })
    for (let n = 0; n < 10; n++) await statusOf(operator.get(`${PATH}/history`))
    t.equal(await statusOf(operator.get(`${PATH}/keys`)), 200, 'with a higher limit than a visitor')
    t.equal(await statusOf(operator.get(`${PATH}/entry?key=course:none`)), 404)
    const stream = await operator.get(`${PATH}/events`)
    const chunk = await stream.body?.getReader().read()
    t.match(Buffer.from(chunk?.value ?? '').toString(), /"access":"link"/)

    for (const [method, path] of [
      ['DELETE', `${PATH}?all=true`],
      ['DELETE', `${PATH}/entry?key=course:1`],
      ['GET', '/api/v1/users'],
      ['GET', '/api/v1/users/me']
    ] as const)
      t.equal(await statusOf(operator.request(method, path)), 401, path)
  })

  await t.test('a signed-in user can use a link too, and an admin keeps his own rights', async (t) => {
    t.equal(await statusOf(ann.get(PATH)), 403)
    const both = await open(t, url, link, ann.cookie)
    t.match(await bodyOf(AdminReport, await both.get(PATH)), { access: 'link' })
    t.equal(await statusOf(both.request('DELETE', `${PATH}?all=true`)), 403)
    t.match(await bodyOf(AdminReport, await boss.get(PATH)), { access: 'session' })
  })

  await t.test('while Redis is down or hangs, the report takes about a second and covers this process', async (t) => {
    const both = await open(t, url, link, ann.cookie)
    for (const [breakIt, mend] of [
      [() => redis.signal('SIGSTOP'), () => redis.signal('SIGCONT')],
      [() => redis.kill(), () => redis.resume()]
    ] as const) {
      const begun = Date.now()
      await breakIt()
      const [, ms] = await timed(() => statusOf(operator.get(PATH)))
      t.comment(`the first answer after ${Math.round(ms)} ms`)
      await until(async () => (await bodyOf(AdminReport, await operator.get(PATH))).store.state === 'not-trusted', 8000)
      t.equal(await statusOf(ann.get('/api/v1/users/me')), 503, 'sessions cannot be read')
      await open(t, url, await linkOf(t, { DATA_DIR: dataDir }))
      for (const by of [operator, both]) {
        const report = await bodyOf(AdminReport, await by.get(PATH))
        t.match(report, {
          access: 'link',
          scope: 'process',
          nodes: [],
          outbox: { depth: Number },
          sessions: { active: 2 }
        })
        t.match(report.store.reason, /\w/)
        t.ok(Date.parse(report.store.since) >= begun - 1)
        t.equal(report.processes.length, 1)
        t.ok(
          report.routes.length > 0 && report.history.some(({ requests }) => (requests ?? 0) > 0),
          'the metrics of this process'
        )
        t.ok(report.invalidations.length > 0)
      }
      t.equal(await statusOf(operator.get(`${PATH}/keys`)), 503)
      await mend()
      await until(async () => (await bodyOf(AdminReport, await operator.get(PATH))).store.state === 'trusted', 8000)
    }
  })
})

t.test('a link that is forged, expired or signed for another purpose opens nothing', async (t) => {
  const { url } = await startService(t, { ...peopleEnvironment, SESSION_SECRET: SECRET })
  await open(t, url, await linkOf(t, { SESSION_SECRET: SECRET }))
  const links = new AdminLinks([SECRET])
  const soon = String(Date.now() + 60_000)
  const past = String(Date.now() - 1000)
  const signed = (purpose: string, end: string) => `${end}.${new Signer([SECRET], purpose).sign(end)}`
  for (const token of [
    '',
    'x',
    links.cookie(),
    signed('admin link', past),
    signed('session record', soon),
    new AdminLinks(['another secret that is long enough']).token(),
    `${soon}.${signed('admin link', past).split('.')[1]}`
  ]) {
    const { status, headers, body } = await send(`${url}${PAGE}?token=${token}`)
    t.equal(status, 401, token)
    t.match(body, /npm run admin-link/)
    t.same(headers.getSetCookie(), [])
    t.match(headers.get('content-security-policy'), "default-src 'none'")
  }
  for (const cookie of [links.token(), signed('admin link cookie', past)]) {
    t.equal(await statusOf(new Actor(url, `admin-link=${cookie}`).get(PATH)), 401)
    t.equal(await statusOf(new Actor(url, `admin-link=${cookie}`).get(PAGE)), 401)
  }
})

t.test('the command names the reason when it cannot sign a link', async (t) => {
  const run = (env: Record<string, string>, ...args: string[]) => runScript('src/cli/admin-link.ts', env, ...args)
  const PUBLIC_URL = 'https://academy.example'
  t.match(await run({ SESSION_SECRET: SECRET, PUBLIC_URL }), {
    code: 0,
    stdout: /^https:\/\/academy\.example\/admin\/redis-stats\/\?token=\d{13}\.[\w-]{43}\n$/
  })
  const DATABASE_URL = 'postgresql://127.0.0.1:1/x'
  t.match(await run({ DATABASE_URL }), { code: 1, stdout: '', stderr: /^SESSION_SECRET is not set/ })
  t.match(await run({ DATA_DIR: await temporaryFolder(t) }), {
    code: 1,
    stdout: '',
    stderr: /^no service runs in DATA_DIR/
  })
  t.match(await run({}, '--help'), { code: 0, stdout: /^usage/ })
  t.match(await run({}, 'x'), { code: 2, stderr: /usage: npm run -s admin-link/ })
})
