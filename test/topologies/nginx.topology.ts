import { writeFile } from 'node:fs/promises'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { join } from 'node:path'
import t from 'tap'
import { ADMIN, peopleEnvironment, signIn } from '../support/actors.ts'
import { certificate } from '../support/https.ts'
import { startService, temporaryFolder } from '../support/service.ts'
import { startNginx } from '../support/shared-caches.ts'

t.test('nginx with ops/nginx.conf', async (t) => {
  const folder = await temporaryFolder(t)
  const { key, cert } = await certificate(t)
  await writeFile(join(folder, 'privkey.pem'), key)
  await writeFile(join(folder, 'fullchain.pem'), cert)
  const service = await startService(t, { ...peopleEnvironment, TRUST_PROXY: '1' })
  const nginx = await startNginx(t, [service.url], folder)

  const open = (url: string, headers = {}, body?: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const request = url.startsWith('https') ? requestHttps : requestHttp
      const options = { method: body === undefined ? 'GET' : 'POST', headers, rejectUnauthorized: false }
      request(url, options, resolve).on('error', reject).end(body)
    })
  const statusOf = async (...request: Parameters<typeof open>) => (await open(...request)).resume().statusCode

  await t.test('redirects plain HTTP to HTTPS', async (t) => {
    const { statusCode, headers } = (await open(`${nginx.plain}/api/v1/courses?page=2`)).resume()
    t.same([statusCode, headers.location], [308, 'https://127.0.0.1/api/v1/courses?page=2'])
  })
  await t.test('forwards the scheme, so that the service knows its own origin', async (t) => {
    const signIn = (origin: string) =>
      statusOf(`${nginx.url}/api/v1/auth/login`, { origin, 'content-type': 'application/json' }, JSON.stringify(ADMIN))
    t.equal(await signIn(nginx.url), 200)
    t.equal(await signIn(nginx.url.replace('https', 'http')), 403)
  })
  await t.test('blocks access to the metrics', async (t) => {
    for (const path of ['/metrics', '/metrics/', '/%6detrics', '//metrics', '/metrics?x']) {
      t.equal(await statusOf(nginx.url + path), 404, path)
    }
  })
  await t.test('accepts bodies as large as the service does', async (t) => {
    const { cookie } = await signIn(service.url, ADMIN.email, ADMIN.password)
    const headers = { cookie, origin: nginx.url, 'content-type': 'text/markdown' }
    const answer = await open(`${nginx.url}/api/v1/courses/import`, headers, 'x'.repeat(16 * 1024 * 1024))
    t.equal(answer.resume().headers['x-request-id']?.length, 36, `${answer.statusCode} of the service`)
  })
  await t.test('does not buffer event streams', async (t) => {
    const { cookie } = await signIn(service.url, ADMIN.email, ADMIN.password)
    const events = await open(`${nginx.url}/api/v1/admin/cache/events`, { cookie })
    t.equal(events.statusCode, 200)
    let reports = 0
    for await (const chunk of events) {
      reports += String(chunk).split('event: report').length - 1
      if (reports >= 2) break
    }
    t.ok(reports >= 2)
  })
})
