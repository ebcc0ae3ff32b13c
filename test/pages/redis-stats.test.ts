import { type Browser, chromium, type Page } from 'playwright-core'
import t from 'tap'
import { ADMIN, register } from '../support/actors.ts'
import { findChromium } from '../support/chromium.ts'
import { bodyOf, eventually, OwnUser, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const PATH = '/admin/redis-stats/'
const LATEST_MS = 15_000

let browser: Browser
t.before(async () => {
  browser = await chromium.launch({ executablePath: findChromium() ?? 'chromium', args: ['--no-sandbox'] })
})
t.teardown(() => browser.close())

/** A tab, and what went wrong in it. The document itself may be 401, which Chromium calls an error. */
async function openTab(locale: string, width = 1280): Promise<{ page: Page; problems: string[] }> {
  const context = await browser.newContext({ locale, viewport: { width, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(LATEST_MS)
  const problems: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.location().url.endsWith(PATH)) problems.push(message.text())
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
const row = (prefix: string, column: number) => `#prefixes tr:has(td:text-is("${prefix}")) td:nth-child(${column})`
const [HITS, KEYS] = [2, 7]

t.test('the page on Redis', async (t) => {
  const { env, redis } = await startStack(t, '--appendonly', 'yes')
  const { url } = await startService(t, env)

  await t.test('is for admins: others are asked to sign in, and told why not', async (t) => {
    t.equal(await statusOf(fetch(url + PATH)), 401)
    const ann = await register(url, 'ann')
    t.equal(await statusOf(ann.get(PATH)), 403)
    const { page, problems } = await openTab('en-US')
    await page.goto(url + PATH)
    await signIn(page, ADMIN.email, 'wrong')
    await page.waitForSelector('#problem:text("Wrong e-mail or password")')
    await signIn(page, 'ann@example.org', 'password of ann')
    await page.waitForSelector('#problem:text("Only admins")')
    t.same(
      problems.filter((problem) => !/401/.test(problem)),
      []
    )
    await page.context().close()
  })

  await t.test('moves under load, and clears what a pattern matches', async (t) => {
    const { page, problems } = await openTab('ru-RU')
    await page.goto(url + PATH)
    await signIn(page, ADMIN.email, ADMIN.password)
    await page.waitForSelector('#prefixes tbody tr')
    t.equal(await page.textContent('h1'), 'Кэш Redis')
    t.equal(await page.locator('.chart canvas').count(), 4)

    const before = await number(page, row('course', HITS))
    for (let i = 0; i < 40; i++) await statusOf(fetch(`${url}/api/v1/courses/${(i % 10) + 1}`))
    t.ok(await eventually(async () => (await number(page, row('course', HITS))) > before, LATEST_MS))
    t.match(await page.textContent('#ratio-now'), /\d.*%/)

    await page.click('#preview')
    await page.waitForSelector('#clear-result:has-text("course:*: 10")')
    await page.click('#clear button[type=submit]')
    await page.waitForSelector('#confirm-text:has-text("10")')
    await page.click('#confirm button[value=no]')
    await page.waitForSelector('#clear button:not([disabled])')
    await page.click('#clear button[type=submit]')
    await page.click('#confirm-yes')
    await page.waitForSelector('#clear-result:has-text("Удалено ключей: 10")')
    await page.waitForSelector(`${row('course', KEYS)}:text-is("0")`)
    t.same(problems, [], 'no error, and nothing that the policy forbids')
    await page.context().close()
  })

  await t.test('says that Redis is gone, and goes on when it is back', async (t) => {
    const { page } = await openTab('en-US')
    await page.goto(url + PATH)
    await signIn(page, ADMIN.email, ADMIN.password)
    await page.waitForSelector('#state.good')
    await redis.kill()
    await page.waitForSelector('#state.bad:text("Redis does not answer")')
    await page.waitForSelector('#processes td.bad:text("not asked")')
    await redis.resume()
    await page.waitForSelector('#state.good')
    t.equal(await page.locator('#servers tbody tr').count(), 1)
    await page.context().close()
  })

  await t.test('is no wider than a phone', async (t) => {
    const { page, problems } = await openTab('en-US', 360)
    await page.goto(url + PATH)
    await signIn(page, ADMIN.email, ADMIN.password)
    await page.waitForSelector('#processes tbody tr')
    t.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
    t.same(problems, [])
    await page.context().close()
  })
})

t.test('the page embedded, where an admin loses his role', async (t) => {
  const { url, app } = await startService(t, { ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password })
  const { page, problems } = await openTab('en-US')
  await page.goto(url + PATH)
  await signIn(page, ADMIN.email, ADMIN.password)
  await page.waitForSelector('#prefixes tbody tr')
  t.match(await page.textContent('#server'), 'embedded')
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
