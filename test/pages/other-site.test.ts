import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import t from 'tap'
import { peopleEnvironment } from '../support/actors.ts'
import { findChromium } from '../support/chromium.ts'
import { endTls, listenHttps } from '../support/https.ts'
import { startService, temporaryFolder } from '../support/service.ts'

/** The script of a front end, run in the browser. */
const FRONT_END = `async (api) => {
  const call = async (method, path, body, headers = {}) => {
    const answer = await fetch(api + path, {
      method,
      credentials: 'include',
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body)
    })
    const text = await answer.text()
    return { status: answer.status, etag: answer.headers.get('etag'), location: answer.headers.get('location'), body: text && JSON.parse(text) }
  }
  const account = { email: 'front@example.org', password: '0123456789', name: 'Front' }
  const registered = await call('POST', '/api/v1/auth/register', account)
  await call('POST', '/api/v1/auth/logout')
  const out = await call('GET', '/api/v1/users/me')
  const signedIn = await call('POST', '/api/v1/auth/login', { email: account.email, password: account.password })
  const me = await call('GET', '/api/v1/users/me')
  const changed = await call('PATCH', '/api/v1/users/me', { bio: 'from elsewhere' }, { 'if-match': me.etag })
  const wanted = { topic: 'Chess', level: 'beginner', language: 'en', modules: 1, chaptersPerModule: 2 }
  const generation = await call('POST', '/api/v1/generation', wanted)
  const last = await new Promise((resolve, reject) => {
    const events = new EventSource(api + generation.location + '/events', { withCredentials: true })
    // Otherwise the browser reconnects by itself.
    events.onerror = () => events.readyState === EventSource.CLOSED && reject(new Error('the stream failed'))
    events.addEventListener('progress', ({ data }) => {
      const progress = JSON.parse(data)
      if (progress.status !== 'completed') return
      events.close()
      resolve(progress)
    })
  })
  const course = await call('GET', '/api/v1/courses/' + last.courseId)
  const [timing] = performance.getEntriesByName(api + '/api/v1/users/me')
  return {
    statuses: [registered, out, signedIn, me, changed, generation, course].map(({ status }) => status),
    bio: changed.body.bio,
    course: course.body.status,
    timed: timing.responseStart > 0
  }
}`

/** The script of a malicious page: every write that a browser sends without a preflight, and some with one. */
const ATTACK = `async (api) => {
  const bodies = ['text/plain', 'application/x-www-form-urlencoded', 'application/json'].map((type) =>
    fetch(api + '/api/v1/users/me', { method: 'PATCH', credentials: 'include', headers: { 'content-type': type }, body: '{"bio":"stolen"}' }))
  const simple = ['text/plain', 'application/x-www-form-urlencoded'].flatMap((type) => ['/api/v1/auth/logout', '/api/v1/courses', '/api/v1/generation'].map((path) =>
    fetch(api + path, { method: 'POST', mode: 'no-cors', credentials: 'include', headers: { 'content-type': type }, body: '{"title":"stolen"}' })))
  const read = fetch(api + '/api/v1/users/me', { credentials: 'include' }).then((answer) => answer.text())
  const answers = await Promise.allSettled([...bodies, ...simple, read])
  return answers.at(-1).status === 'fulfilled' ? answers.at(-1).value : 'refused'
}`

t.test('a front end on another site, in a browser', async (t) => {
  let url = ''
  const page = await listenHttps(t, (_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>front end</title>')
  })
  const foreign = await listenHttps(t, (_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>another page</title>')
  })
  // To a browser `localhost` and 127.0.0.1 are different sites.
  const api = `https://127.0.0.1:${await endTls(t, () => url)}`
  const origin = `https://localhost:${page}`
  const service = await startService(t, {
    ...peopleEnvironment,
    CORS_ORIGINS: origin,
    SESSION_SAMESITE: 'none',
    TRUST_PROXY: '1'
  })
  url = service.url
  // Who uses such a front end allows its cookies, as Chromium allows none of other sites in a private window, and not everywhere else.
  const profile = await temporaryFolder(t)
  await mkdir(join(profile, 'Default'))
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify({ profile: { cookie_controls_mode: 0 } }))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium() ?? 'chromium',
    args: ['--no-sandbox'],
    ignoreHTTPSErrors: true
  })
  t.teardown(() => context.close())
  const run = (page: Page, script: string) => page.evaluate(`(${script})(${JSON.stringify(api)})`)

  await t.test('registers, signs in, writes, and follows a generation', async (t) => {
    const tab = await context.newPage()
    await tab.goto(origin)
    t.strictSame(await run(tab, FRONT_END), {
      statuses: [201, 401, 200, 200, 200, 202, 200],
      bio: 'from elsewhere',
      course: 'draft',
      timed: true
    })
  })

  await t.test('a page that is not allowed can neither write nor read with that session', async (t) => {
    const { client } = service.app.database
    const state = async () => [
      await client.user.findFirst({ where: { email: 'front@example.org' }, select: { bio: true, sessionEpoch: true } }),
      await client.course.count(),
      await client.generationJob.count()
    ]
    const before = await state()
    const tab = await context.newPage()
    await tab.goto(`https://localhost:${foreign}`)
    t.equal(await run(tab, ATTACK), 'refused')
    t.strictSame(await state(), before)
    const own = await context.newPage()
    await own.goto(origin)
    const session = `async (api) => (await fetch(api + '/api/v1/auth/session', { credentials: 'include' })).status`
    t.equal(await run(own, session), 200, 'the session is still valid')
  })

  await t.test('signs out, and the cookie is gone', async (t) => {
    const sessions = async () => (await context.cookies(api)).filter(({ name }) => name === 'sid').length
    t.equal(await sessions(), 1)
    const tab = await context.newPage()
    await tab.goto(origin)
    const signOut = `async (api) => (await fetch(api + '/api/v1/auth/logout', { method: 'POST', credentials: 'include' })).status`
    t.equal(await run(tab, signOut), 204)
    t.equal(await sessions(), 0)
  })
})
