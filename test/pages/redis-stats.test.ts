import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import t from 'tap'
import { AdminLinks } from '#sessions/admin-link.ts'
import { ADMIN, register, signIn as signInByHttp } from '../support/actors.ts'
import { findChromium } from '../support/chromium.ts'
import { bodyOf, eventually, OwnUser, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const PATH = '/admin/redis-stats/'
const LATEST_MS = 15_000
const PHONE = { width: 390, height: 844 }

let browser: Browser
t.before(async () => {
  browser = await chromium.launch({ executablePath: findChromium() ?? 'chromium', args: ['--no-sandbox'] })
})
t.teardown(() => browser.close())

/** A tab and its errors. The document itself may be 401, which Chromium reports as an error. */
async function openTab(options: BrowserContextOptions = {}): Promise<{ page: Page; problems: string[] }> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(LATEST_MS)
  const problems: string[] = []
  page.on('console', (message) => {
    const isDocument = URL.parse(message.location().url)?.pathname === PATH
    if (message.type() === 'error' && !isDocument) problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(error.message))
  return { page, problems }
}

async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.fill('input[name=email]', email)
  await page.fill('input[name=password]', password)
  await page.click('button[type=submit]')
}

const number = async (page: Page, selector: string) => Number((await page.textContent(selector))?.replace(/\D/g, ''))
const row = (prefix: string, column: number) =>
  `#prefixes tr:has(a:text-is("${prefix}")) td:nth-child(${column}) .value`
const [HITS, KEYS] = [3, 7]

t.test('the Redis page', async (t) => {
  const { env, redis } = await startStack(t, '--appendonly', 'yes')
  const { url, app } = await startService(t, env)

  await t.test('is for admins: others are asked to sign in, and told the reason', async (t) => {
    t.equal(await statusOf(fetch(url + PATH)), 401)
    const ann = await register(url, 'ann')
    t.equal(await statusOf(ann.get(PATH)), 403)
    const { page, problems } = await openTab()
    await page.goto(url + PATH)
    await signIn(page, ADMIN.email, 'wrong')
    await page.waitForSelector('#problem:text("Wrong e-mail or password")')
    await signIn(page, 'ann@example.org', 'password of ann')
    await page.waitForSelector('#problem:text("Only admins")')
    await page.goto(`${url}${PATH}?token=wrong`)
    await page.waitForSelector('#problem:text("npm run admin-link")')
    t.same(
      problems.filter((problem) => !/401/.test(problem)),
      []
    )
    await page.context().close()
  })

  await t.test('updates under load, and clears the keys of a pattern', async (t) => {
    const { page, problems } = await openTab({ locale: 'ru-RU' })
    await page.goto(url + PATH)
    await signIn(page, ADMIN.email, ADMIN.password)
    await page.waitForSelector('#prefixes tbody tr')
    t.equal(await page.textContent('h1'), 'Обзор')
    t.equal(await page.locator('.chart canvas').count(), 5)

    const before = await number(page, row('course', HITS))
    for (let i = 0; i < 40; i++) await statusOf(fetch(`${url}/api/v1/courses/${(i % 10) + 1}`))
    t.ok(await eventually(async () => (await number(page, row('course', HITS))) > before, LATEST_MS))
    t.match(await page.textContent('#ratio-now'), /\d.*%/)
    const day = page.waitForResponse((answer) => answer.url().endsWith('/history?hours=24'))
    await page.click('label:has(input[value="24"])')
    t.equal((await day).status(), 200)

    await page.click('nav a[href="#keys"]')
    await page.click('#preview')
    await page.waitForSelector('#clear-result:has-text("course:* подходит: 10 ключей")')
    await page.click('#clear button[type=submit]')
    await page.waitForSelector('#confirm-text:has-text("10")')
    await page.click('#confirm button[value=no]')
    await page.waitForSelector('#clear button:not([disabled])')
    await page.click('#clear button[type=submit]')
    await page.click('#confirm-yes')
    await page.waitForSelector('#clear-result:has-text("Удалено: 10 ключей")')
    await page.waitForSelector('#clear + p + .last-clearing:has-text("course:*, 10 ключей")')
    await page.click('nav a[href="#overview"]')
    await page.waitForSelector(`${row('course', KEYS)}:text-is("0")`)
    t.same(problems, [], 'no error, and no policy violation')
    await page.context().close()
  })

  await t.test('shows a key with its value and tags, and deletes it', async (t) => {
    for (const id of [1, 2, 3]) await statusOf(fetch(`${url}/api/v1/courses/${id}`))
    const { page, problems } = await openTab()
    await page.goto(`${url}${PATH}#keys?pattern=course:*`)
    await signIn(page, ADMIN.email, ADMIN.password)
    await page.waitForSelector('#keys-found:text("3 keys")')
    await page.click('#keys-list button:text-is("course:2")')
    await page.waitForSelector('#entry .tag.good:has-text("course:2")')
    t.match(JSON.parse((await page.textContent('#entry pre')) ?? ''), { id: 2 })
    await page.click('#entry-delete')
    await page.waitForSelector('#confirm-text:text-is("course:2")')
    await page.click('#confirm-yes')
    await page.waitForSelector('#keys-list tbody:not(:has-text("course:2"))')
    await page.click('#find button')
    await page.waitForSelector('#keys-found:text("2 keys")')
    t.same(problems, [])
    await page.context().close()
  })

  await t.test('remembers theme and language, lists sessions, and ends one', async (t) => {
    const ann = await signInByHttp(url, 'ann@example.org', 'password of ann')
    const { page } = await openTab()
    await page.goto(`${url}${PATH}#sessions`)
    await signIn(page, ADMIN.email, ADMIN.password)
    await page.waitForSelector('#state.good')
    const dark = () => page.evaluate('getComputedStyle(document.body).colorScheme')
    await page.click('label:has(input[value=dark])')
    t.equal(await dark(), 'dark')
    await page.click('label:has(input[value=ru])')
    await page.waitForSelector('h1:text-is("Сеансы")')
    t.equal(await dark(), 'dark', 'after a reload')

    await page.fill('#sessions-search', 'ann@')
    await page.waitForSelector('#sessions-table tbody:not(:has-text("admin@example.org"))')
    while ((await statusOf(ann.get('/api/v1/users/me'))) === 200) {
      await page.click('#sessions-table button')
      await page.click('#confirm-yes')
      await page.waitForSelector('#confirm:not([open])', { state: 'attached' })
    }
    await page.click('#sign-out')
    await page.waitForSelector('#form')
    t.equal(await statusOf(fetch(`${url}/api/v1/admin/cache`)), 401)
    t.equal((await page.request.get(`${url}/api/v1/admin/cache`)).status(), 401)
    await page.context().close()
  })

  await t.test('shows since when Redis is down, with a link too, and recovers with it', async (t) => {
    const { page } = await openTab()
    await page.goto(url + PATH)
    await signIn(page, ADMIN.email, ADMIN.password)
    await page.waitForSelector('#state.good')
    await redis.kill()
    await page.waitForSelector('.notice.bad:has-text("Redis unavailable since")')

    const { page: reader, problems } = await openTab()
    const links = new AdminLinks(app.config.session.secrets)
    await reader.goto(`${url}${PATH}?token=${links.token()}#sessions`)
    await reader.waitForSelector('#sessions-table:has-text("sign in as an admin")')
    await reader.click('nav a[href="#processes"]')
    await reader.waitForSelector('#processes-table .bad:text("bypassed")')
    await reader.waitForSelector('.notice:has-text("read only")')
    t.equal(new URL(reader.url()).search, '')
    t.same(problems, [])
    await reader.click('nav a[href="#keys"]')
    await reader.waitForSelector('#keys-list:has-text("Redis unavailable")')
    t.equal(await reader.locator('.writes:visible').count(), 0)
    await reader.click('#sign-out')
    await reader.waitForSelector('#form')

    await redis.resume()
    await page.waitForSelector('#state.good')
    await page.click('nav a[href="#processes"]')
    t.equal(await page.locator('#servers tbody tr').count(), 1)
    await reader.context().close()
    await page.context().close()
  })

  await t.test('is no wider than a phone', async (t) => {
    const { page, problems } = await openTab({ viewport: PHONE, locale: 'ru-RU' })
    await page.goto(url + PATH)
    await signIn(page, ADMIN.email, ADMIN.password)
    await page.waitForSelector('#state.good')
    for (const view of ['overview', 'keys', 'routes', 'sessions', 'processes']) {
      await page.click(`nav a[href="#${view}"]`)
      await page.waitForSelector(`#view-${view} td`)
      t.equal(
        await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth'),
        true,
        view
      )
    }
    t.same(problems, [])
    await page.context().close()
  })
})

t.test('the embedded page, when an admin loses his role', async (t) => {
  const { url, app } = await startService(t, { ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password })
  await statusOf(fetch(`${url}/api/v1/courses/1`))
  const { page, problems } = await openTab()
  await page.goto(`${url}${PATH}#keys`)
  await signIn(page, ADMIN.email, ADMIN.password)
  await page.click('#keys-list button:text-is("course:1")')
  await page.waitForSelector('#entry pre:has-text("title")')
  await page.click('nav a[href="#overview"]')
  await page.waitForSelector('#prefixes tbody tr')
  t.equal(await page.locator('.redis-only:visible').count(), 0)
  t.same(problems, [])
  await app.database.client.user.update({ where: { email: ADMIN.email }, data: { role: 'student' } })
  const answer = await page.request.get(`${url}/api/v1/admin/cache`)
  t.equal(answer.status(), 403)
  t.match(await bodyOf(OwnUser, new Response(await (await page.request.get(`${url}/api/v1/users/me`)).text())), {
    role: 'student'
  })
  await page.context().close()
})
