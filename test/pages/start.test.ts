import { chromium } from 'playwright-core'
import t from 'tap'
import { version } from '#config/version.ts'
import { findChromium } from '../support/chromium.ts'
import { send } from '../support/http.ts'
import { startService } from '../support/service.ts'

t.test('/ describes the service', async (t) => {
  const { url } = await startService(t)

  await t.test('to a client, with links that exist', async (t) => {
    for (const accept of ['*/*', 'application/json']) {
      const { status, headers, body } = await send(`${url}/?utm_source=x&gclid=1&other=2`, { headers: { accept } })
      t.match([status, headers.get('content-type')], [200, /^application\/json/])
      const { name, version: told, api, ...addresses } = JSON.parse(body)
      t.same([name, told, api], ['AI Akademiya API', version, '/api/v1'])
      for (const address of Object.values(addresses)) {
        t.match((await send(url + address)).status, /^(200|302|401)$/, String(address))
      }
    }
  })

  await t.test('to a browser, with links that work', async (t) => {
    const browser = await chromium.launch({ executablePath: findChromium() ?? '', args: ['--no-sandbox'] })
    t.teardown(() => browser.close())
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    t.equal((await page.goto(url))?.status(), 200)
    t.equal(await page.title(), 'AI Akademiya API')
    t.equal(await page.locator('small').innerText(), `version ${version}`)
    t.match(
      await page.evaluate('getComputedStyle(document.body).fontFamily'),
      'system-ui',
      'its style sheet is allowed by the policy'
    )
    t.strictSame(complaints, [])
    const links = await Promise.all((await page.locator('a').all()).map((link) => link.getAttribute('href')))
    t.ok(links.length > 4)
    for (const link of links) t.match((await send(new URL(link ?? '', url).href)).status, /^(200|302|401)$/, `${link}`)
  })
})
